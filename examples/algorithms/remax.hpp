// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/proximal.hpp>

namespace examples {

/// ReMax (Li et al. 2024, arXiv 2310.10505): against a greedy response to the same prompt. No critic.
inline auto remax() {
    namespace px = proximal;
    // [remax]
    return px::algorithm{px::chain(px::kl_penalty<px::k1>{.kl_coef = 0.05}, px::terminal_score{}), px::remax{},
                         px::reinforce{}, px::sequence_mean_token_sum{}};
    // [/remax]
}

}  // namespace examples
