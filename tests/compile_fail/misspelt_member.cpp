// SPDX-License-Identifier: Apache-2.0
// expect: no member named 'log_prob'
#include <proximal/proximal.hpp>
using namespace proximal;

struct pull {
    constexpr auto operator()(Token auto const& token) const {
#ifdef CORRECT
        return -token.advantage * token.logprob;
#else
        return -token.advantage * token.log_prob;
#endif
    }
};
auto const ours = algorithm{terminal_score{}, gae{}, pull{}};
