// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/proximal.hpp>

namespace examples {

/// DAPO (Yu et al. 2025, arXiv 2503.14476): a wider upper clip, groups without spread left out, every token counts
/// alike, responses that near the limit (53 tokens, TRL's default) pay. No critic, no reference model.
inline auto dapo() {
    namespace px = proximal;
    // [dapo]
    return px::algorithm{
        px::chain(px::drop_flat_groups{.group_size = 4},
                  px::overlong_penalty{.max_response_length = 53, .overlong_buffer = 10}, px::terminal_score{}),
        px::grpo{.group_size = 4}, px::clip_higher{.cliprange_low = 0.2, .cliprange_high = 0.28},
        px::over_mini_batch<px::token_mean>{}};
    // [/dapo]
}

}  // namespace examples
