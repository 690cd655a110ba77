// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <proximal/libtorch/upload.hpp>
#include <proximal/lm/model/token_batch.hpp>
#include <proximal/lm/train/episodes.hpp>
#include <utility>

namespace proximal::lm {

/// Which hidden states of a packed batch speak about which cells of a response grid [B, T].
///
/// Step t is judged by the hidden state of the token before it, in column C − 1 + t. So a head runs on the wanted cells
/// only, and a row is fed no further than its last wanted cell.
struct response_plan {
    token_batch tokens{};  // what the backbone reads
    at::Tensor sources{};  // [M] int64: the wanted hidden states, as rows of the backbone's [N, H]
    at::Tensor cells{};    // [M] int64: their cells in the flattened [B, T]
    at::Tensor targets{};  // [M] int64: the tokens that stand in these cells
    std::int64_t row_count = 0, step_count = 0;  // B, T

    /// [M] → [B, T], 0 in every other cell. Differentiable.
    at::Tensor to_grid(at::Tensor const& x) const {
        return at::zeros({row_count * step_count}, x.options().requires_grad(false))
            .index_copy(0, cells, x)
            .view({row_count, step_count});
    }
};

/// Plans for the cells that `wanted` [B, T] (bool) marks, for a model on a device: made on the host, where episodes
/// are, so that nothing waits.
inline response_plan plan_responses(episodes const& batch, at::Tensor const& wanted, std::int64_t pad,
                                    at::Device device = at::kCPU) {
    auto const& ids = batch.query_responses;  // [B, S]
    std::int64_t const B = ids.size(0), S = ids.size(1), C = batch.context_length, T = S - C;
    auto const steps = at::arange(T, ids.options());
    auto const ends = at::where(wanted, steps + C, C - 1).amax(1, /*keepdim=*/true);  // [B, 1] columns to feed
    auto const fed = at::arange(S, ids.options()).unsqueeze(0) < ends;                // [B, S]
    auto const real = at::cat({batch.query_mask, batch.responses().ne(pad)}, 1).logical_and(fed);  // [B, S]
    // A pad in the midst of a response was sampled: its column is asked about, but no token attends to it.
    auto const asked = at::constant_pad_nd(wanted, {C - 1, 1}, 0).logical_or(real);  // [B, S] column C−1+t for cell t
    response_plan plan{.tokens = pack_tokens(ids, real, asked), .row_count = B, .step_count = T};
    plan.cells = wanted.flatten().nonzero().squeeze(1);
    auto const packed = at::empty({B * S}, ids.options());
    packed.index_put_({plan.tokens.index()}, at::arange(plan.tokens.size(), ids.options()));
    auto const columns = plan.cells.div(T, "floor") * S + plan.cells.remainder(T) + (C - 1);
    plan.sources = packed.index_select(0, columns);
    plan.targets = batch.responses().flatten().index_select(0, plan.cells);
    if (device.is_cpu()) return plan;
    plan.tokens = upload(std::move(plan.tokens), device);
    auto const there = libtorch::upload(at::stack({plan.sources, plan.cells, plan.targets}), device).unbind();
    plan.sources = there[0], plan.cells = there[1], plan.targets = there[2];
    return plan;
}

}  // namespace proximal::lm
