// SPDX-License-Identifier: Apache-2.0
// expect: a comparison is a number, not a branch: write select(a > b, x, y)
#include <algorithm>
#include <proximal/proximal.hpp>
using namespace proximal;

struct lower_of_two {
    constexpr auto operator()(Token auto const& token) const {
#ifdef CORRECT
        return -token.advantage * min(token.logprob, token.ref_logprob);
#else
        return -token.advantage * std::min(token.logprob, token.ref_logprob);
#endif
    }
};
auto const ours = algorithm{terminal_score{}, gae{}, lower_of_two{}};
