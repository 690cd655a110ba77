// SPDX-License-Identifier: Apache-2.0
// expect: write `const` after operator()(...)
#include <proximal/proximal.hpp>
using namespace proximal;

struct pull {
#ifdef CORRECT
    constexpr auto operator()(Token auto const& token) const { return -token.advantage * token.logprob; }
#else
    constexpr auto operator()(Token auto const& token) { return -token.advantage * token.logprob; }
#endif
};
auto const ours = algorithm{terminal_score{}, gae{}, pull{}};
