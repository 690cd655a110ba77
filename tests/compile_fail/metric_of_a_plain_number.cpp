// SPDX-License-Identifier: Apache-2.0
// expect: proximal::metric: a metric is made of the token's numbers
#include <proximal/proximal.hpp>
using namespace proximal;

struct measuring {
    constexpr auto operator()(Token auto const& token) const {
        auto const loss = -token.advantage * token.logprob;
#ifdef CORRECT
        return with(loss, metric<"share">(token.advantage > 0.0));
#else
        return with(loss, metric<"share">(0.5));
#endif
    }
};
auto const ours = algorithm{terminal_score{}, gae{}, measuring{}};
