// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/proximal.hpp>

namespace examples {

/// RLOO (Ahmadian et al. 2024, arXiv 2402.14740): every response against the others to its prompt. No critic.
inline auto rloo() {
    namespace px = proximal;
    // [rloo]
    return px::algorithm{px::chain(px::kl_penalty<px::k1>{.kl_coef = 0.05}, px::terminal_score{}),
                         px::rloo{.group_size = 4}, px::reinforce{}, px::sequence_mean_token_sum{}};
    // [/rloo]
}

}  // namespace examples
