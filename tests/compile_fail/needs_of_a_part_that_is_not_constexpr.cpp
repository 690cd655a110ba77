// SPDX-License-Identifier: Apache-2.0
// expect: proximal::needs: a part is not constexpr
#include <proximal/proximal.hpp>
using namespace proximal;

struct pull {
#ifdef CORRECT
    constexpr
#endif
    auto operator()(Token auto const& token) const {
        return -token.advantage * token.logprob;
    }
};
using ours = algorithm<terminal_score, gae, pull>;
constexpr bool critic = needs_critic<ours>;
