// SPDX-License-Identifier: Apache-2.0
// expect: a comparison is a number, not a branch: write select(a > b, x, y)
#include <proximal/proximal.hpp>
using namespace proximal;

struct inside {
    constexpr auto operator()(Token auto const& token) const {
#ifdef CORRECT
        auto const holds = (token.log_ratio > -0.2) * (token.log_ratio < 0.2);
#else
        auto const holds = token.log_ratio > -0.2 && token.log_ratio < 0.2;
#endif
        return -token.advantage * holds * token.logprob;
    }
};
auto const ours = algorithm{terminal_score{}, gae{}, total(inside{}, clipped_value{})};
