// SPDX-License-Identifier: Apache-2.0
// expect: a comparison is a number, not a branch: write select(a > b, x, y)
#include <proximal/proximal.hpp>
using namespace proximal;

struct only_good_tokens {
    constexpr auto operator()(Token auto const& token) const {
        auto const loss = -token.advantage * token.logprob;
#ifdef CORRECT
        return select(token.advantage > 0.0, loss, 0.0);
#else
        if (token.advantage > 0.0) return loss;
        return 0.0 * loss;
#endif
    }
};
auto const ours = algorithm{terminal_score{}, gae{}, only_good_tokens{}};
