// SPDX-License-Identifier: Apache-2.0
// expect: proximal::total: every term must be a token loss
#include <proximal/proximal.hpp>
using namespace proximal;

struct forgetful {
    constexpr auto operator()(Token auto const& token) const {
        auto const loss = -token.advantage * token.logprob;
#ifdef CORRECT
        return loss;
#else
        static_cast<void>(loss);
#endif
    }
};
auto const ours = total(forgetful{}, clipped_value{});
