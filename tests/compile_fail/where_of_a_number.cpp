// SPDX-License-Identifier: Apache-2.0
// expect: of numbers: write select(a > b, x, y)
#include <proximal/proximal.hpp>
using namespace proximal;

struct one_sided {
    constexpr auto operator()(Token auto const& token) const {
        auto const loss = -token.advantage * token.logprob;
#ifdef CORRECT
        return select(token.advantage > 0.0, loss, 0.0);
#else
        return where(token.advantage > 0.0, loss, 0.0);
#endif
    }
};
auto const ours = algorithm{terminal_score{}, gae{}, one_sided{}};
