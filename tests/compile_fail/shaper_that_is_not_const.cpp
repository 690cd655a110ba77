// SPDX-License-Identifier: Apache-2.0
// expect: write `const` after operator()(...)
#include <proximal/proximal.hpp>
using namespace proximal;

struct halve {
    template <class Array>
    constexpr rollout<Array> operator()(rollout<Array> rollout)
#ifdef CORRECT
        const
#endif
    {
        rollout.rewards = 0.5 * rollout.rewards;
        return rollout;
    }
};
auto const ours = algorithm{chain(terminal_score{}, halve{}), gae{}, clipped_surrogate{}};
