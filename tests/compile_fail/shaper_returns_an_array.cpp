// SPDX-License-Identifier: Apache-2.0
// expect: a rollout in, a rollout out
#include <proximal/proximal.hpp>
using namespace proximal;

struct halve {
    constexpr auto operator()(auto rollout) const {
        rollout.rewards = 0.5 * rollout.rewards;
#ifdef CORRECT
        return rollout;
#else
        return rollout.rewards;
#endif
    }
};
auto const ours = algorithm{chain(terminal_score{}, halve{}), gae{}, clipped_surrogate{}};
