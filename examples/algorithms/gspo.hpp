// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/proximal.hpp>

namespace examples {

/// GSPO (Zheng et al. 2025, arXiv 2507.18071): one importance ratio a response. No critic, no reference model.
inline auto gspo() {
    namespace px = proximal;
    // [gspo]
    return px::algorithm{px::terminal_score{}, px::grpo{.group_size = 4},
                         px::gspo{.cliprange_low = 3e-4, .cliprange_high = 4e-4},
                         px::over_mini_batch<px::sequence_mean_token_mean>{}};
    // [/gspo]
}

}  // namespace examples
