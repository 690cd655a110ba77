// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>

#include <proximal/torch/model/token_batch.hpp>

namespace proximal::libtorch {

/// Causal self-attention in which some tokens are only asked, never attended to (token_batch::visible).
///
/// Such a token shares its position with the real token after it, so the grid is that of the slots, with a mask. A query
/// that may see nothing sees itself: what it gives is never read, but it must not be NaN. x: [N, heads, D] each.
/// Returns [N, heads · D].
inline at::Tensor attend_with_holes(at::Tensor const& query, at::Tensor const& key, at::Tensor const& value, token_batch const& tokens) {
    int64_t const B = tokens.row_count, S = tokens.column_count, heads = query.size(1), D = query.size(2);
    auto const cells = tokens.index();
    auto const grid = [&](at::Tensor const& x) {
        return at::zeros({B * S, heads, D}, x.options().requires_grad(false)).index_copy(0, cells, x).view({B, S, heads, D}).transpose(1, 2);
    };
    auto const seen = at::zeros({B * S}, tokens.visible.options()).index_copy(0, cells, tokens.visible).view({B, 1, S});  // as keys
    auto const steps = at::arange(S, cells.options());
    auto const allowed = seen.logical_and(steps.unsqueeze(0) <= steps.unsqueeze(1));  // [B, S (queries), S (keys)]
    auto const lonely = allowed.any(-1, /*keepdim=*/true).logical_not().logical_and(steps.unsqueeze(0) == steps.unsqueeze(1));
    auto const mixed = at::scaled_dot_product_attention(grid(query), grid(key), grid(value), allowed.logical_or(lonely).unsqueeze(1));
    return mixed.transpose(1, 2).reshape({B * S, heads * D}).index_select(0, cells);
}

}  // namespace proximal::libtorch
