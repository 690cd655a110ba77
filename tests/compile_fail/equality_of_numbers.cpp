// SPDX-License-Identifier: Apache-2.0
// expect: seldom equal: write (a >= b) * (a <= b)
#include <proximal/proximal.hpp>
using namespace proximal;

struct unmoved_tokens {
    constexpr auto operator()(Token auto const& token) const {
#ifdef CORRECT
        auto const unmoved = (token.logprob >= token.old_logprob) * (token.logprob <= token.old_logprob);
#else
        auto const unmoved = token.logprob == token.old_logprob;
#endif
        return select(unmoved, -token.advantage * token.logprob, 0.0);
    }
};
auto const ours = algorithm{terminal_score{}, gae{}, unmoved_tokens{}};
