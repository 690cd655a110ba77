// SPDX-License-Identifier: Apache-2.0
// expect: write `const` after operator()(...)
#include <proximal/proximal.hpp>
using namespace proximal;

struct pull {
    constexpr auto operator()(Token auto const& token)
#ifdef CORRECT
        const
#endif
    {
        return -token.advantage * token.logprob;
    }
};
auto const ours = total(pull{}, clipped_value{});
