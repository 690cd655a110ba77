// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/proximal.hpp>

namespace examples {

/// GRPO (Shao et al. 2024, arXiv 2402.03300): rewards standardised by prompt, the KL in the loss. No critic.
inline auto grpo() {
    namespace px = proximal;
    // [grpo]
    return px::algorithm{px::terminal_score{}, px::grpo{.group_size = 4},
                         px::total(px::clipped_surrogate{.cliprange = 0.2}, px::kl_loss<px::k3>{.kl_loss_coef = 0.04}),
                         px::sequence_mean_token_mean{}};
    // [/grpo]
}

}  // namespace examples
