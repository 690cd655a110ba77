// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <proximal/libtorch/upload.hpp>
#include <stdexcept>
#include <vector>

namespace proximal::lm {

/// The real tokens of several rows, row after row: a model does no work on padding.
///
/// A token's position is the number of real tokens before it in its row. It is the rotary position, the column of the
/// row in attention's own grid and the column in the cache: among the real tokens of a row, causal order is all that
/// attention needs, so a left-padded grid, a right-padded one and one with holes are the same to the model.
struct token_batch {
    at::Tensor ids;                 // [N] int64
    at::Tensor positions;           // [N] int64, 0, 1, 2 … within each row
    at::Tensor rows;                // [N] int64, ascending
    at::Tensor slots;               // [N] int64, the column in the padded grid that the tokens came from
    std::int64_t row_count = 0;     // B
    std::int64_t column_count = 0;  // S, of that grid
    std::int64_t longest = 0;       // 1 + the greatest position
    at::Tensor seen = {};  // [N] bool, see pack_tokens with `asked`; undefined: every token is seen by those after it

    /// [N] int64: where each token lies in the flattened [B, S] grid.
    at::Tensor index() const { return rows * column_count + slots; }
    /// N, the tokens.
    std::int64_t size() const { return ids.size(0); }
};

/// The same tokens for a model on a device, without waiting for it.
inline token_batch upload(token_batch batch, at::Device device) {
    if (batch.ids.device() == device) return batch;
    auto const there =
        libtorch::upload(at::stack({batch.ids, batch.positions, batch.rows, batch.slots}), device).unbind();
    batch.ids = there[0], batch.positions = there[1], batch.rows = there[2], batch.slots = there[3];
    if (batch.seen.defined()) batch.seen = libtorch::upload(batch.seen, device);
    return batch;
}

/// Real tokens of a padded grid: ids [B, S] int64, mask [B, S] (bool or integers, nonzero = real; holes allowed). Ids
/// under mask 0 are never read.
///
/// Positions are mask.cumsum(1) − mask, as in TRL's forward().
/// Throws std::invalid_argument where the shapes differ.
inline token_batch pack_tokens(at::Tensor const& ids, at::Tensor const& mask) {
    if (ids.dim() != 2 || ids.sizes() != mask.sizes())
        throw std::invalid_argument(
            "proximal: pack_tokens takes ids and mask of one shape [B, S]; give one mask entry per id");
    at::Tensor const real = mask.ne(0), count = real.cumsum(1);    // [B, S]
    at::Tensor const index = real.flatten().nonzero().squeeze(1);  // [N]
    return {.ids = ids.flatten().index_select(0, index),
            .positions = count.flatten().index_select(0, index) - 1,
            .rows = index.div(ids.size(1), "floor"),
            .slots = index.remainder(ids.size(1)),
            .row_count = ids.size(0),
            .column_count = ids.size(1),
            .longest = count.numel() ? count.max().item<std::int64_t>() : 0,
            .seen = {}};
}

/// As above, with slots that are `asked` [B, S] (bool) but not real: they are fed as token 0, see the real tokens
/// before them and are seen by none.
///
/// Source: what TRL's forward() computes where a pad was sampled inside a row, and averages into its metric
/// policy/entropy_avg. Where there is such a slot attention needs an explicit mask, and takes no cache.
inline token_batch pack_tokens(at::Tensor const& ids, at::Tensor const& mask, at::Tensor const& asked) {
    at::Tensor const real = mask.ne(0), unseen = asked.logical_and(real.logical_not());
    if (!unseen.any().item<bool>()) return pack_tokens(ids, real);
    auto result = pack_tokens(ids.masked_fill(unseen, 0), asked.logical_or(real));
    at::Tensor const index = result.index();
    result.seen = real.flatten().index_select(0, index);
    result.positions = (real.cumsum(1) - real.to(at::kLong)).flatten().index_select(0, index);
    return result;
}

/// Rows of different lengths, as they are: slots equal positions, S is the longest row.
inline token_batch pack_tokens(std::vector<std::vector<std::int64_t>> const& rows, at::Device device = at::kCPU) {
    std::size_t total = 0, longest = 0;
    for (auto const& row : rows) total += row.size(), longest = std::max(longest, row.size());
    at::Tensor const packed = at::empty({3, static_cast<std::int64_t>(total)}, at::kLong);  // ids, positions, rows
    auto* ids = packed.mutable_data_ptr<std::int64_t>();
    auto* positions = ids + total;
    auto* index = positions + total;
    for (std::size_t b = 0; b < rows.size(); ++b) {
        ids = std::copy(rows[b].begin(), rows[b].end(), ids);
        std::iota(positions, positions + rows[b].size(), 0), positions += rows[b].size();
        index = std::fill_n(index, rows[b].size(), static_cast<std::int64_t>(b));
    }
    auto const there = libtorch::upload(packed, device).unbind();
    return {.ids = there[0],
            .positions = there[1],
            .rows = there[2],
            .slots = there[1],
            .row_count = static_cast<std::int64_t>(rows.size()),
            .column_count = static_cast<std::int64_t>(longest),
            .longest = static_cast<std::int64_t>(longest),
            .seen = {}};
}

}  // namespace proximal::lm
