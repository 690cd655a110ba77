// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/proximal.hpp>

namespace examples {

/// GRPO where sampling counts as another policy's work: tokens are weighed by what the policy says of them when asked
/// again (TIS), and an update ends once it has gone far. No critic, no reference model.
inline auto off_policy() {
    namespace px = proximal;
    // [off_policy]
    return px::algorithm{px::terminal_score{},
                         px::chain(px::grpo{.group_size = 4}, px::truncated_importance{.cap = 2.0}),
                         px::clipped_surrogate{.cliprange = 0.2}, px::over_mini_batch<px::token_mean>{},
                         px::guards(px::target_kl{.target = 0.05}, px::ratio_guard{})};
    // [/off_policy]
}

}  // namespace examples
