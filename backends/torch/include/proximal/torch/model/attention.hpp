// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>

#include <proximal/torch/model/attention_with_holes.hpp>
#include <proximal/torch/model/kv_cache.hpp>
#include <proximal/torch/model/rotary.hpp>
#include <proximal/torch/model/token_batch.hpp>
#include <stdexcept>

namespace proximal::libtorch {

/// Queries, keys and values of packed tokens, [N, heads, D] each.
struct attention_input {
    at::Tensor query, key, value;
};

/// [N] int64: a token's place in attention's own grid [B, longest], where padding stands after the real tokens.
inline at::Tensor attention_cells(token_batch const& tokens) { return tokens.rows * tokens.longest + tokens.positions; }

/// Packed [N, heads, D] to the grid [B, heads, longest, D], zero where no token stands.
inline at::Tensor to_grid(at::Tensor const& x, at::Tensor const& cells, token_batch const& tokens) {
    auto const cell_count = tokens.row_count * tokens.longest;
    auto const flat = cell_count == x.size(0)
                          ? x
                          : at::index_copy(at::zeros({cell_count, x.size(1), x.size(2)}, x.options()), 0, cells, x);
    return flat.view({tokens.row_count, tokens.longest, x.size(1), x.size(2)}).transpose(1, 2);
}

/// The grid [B, heads, longest, D] back to packed [N, heads · D].
inline at::Tensor from_grid(at::Tensor const& grid, at::Tensor const& cells) {
    auto const flat = grid.transpose(1, 2).reshape({grid.size(0) * grid.size(2), grid.size(1) * grid.size(3)});
    return flat.size(0) == cells.size(0) ? flat : flat.index_select(0, cells);
}

/// Causal self-attention among the tokens of each row, without and with rotation applied by the caller.
///
/// Because padding stands behind the real tokens in its grid, causality alone keeps padding out: no mask is built.
/// Returns [N, heads · D].
inline at::Tensor attend(attention_input const& x, token_batch const& tokens) {
    if (tokens.visible.defined()) return attend_with_holes(x.query, x.key, x.value, tokens);
    auto const cells = attention_cells(tokens);
    return from_grid(at::scaled_dot_product_attention(to_grid(x.query, cells, tokens), to_grid(x.key, cells, tokens),
                                                      to_grid(x.value, cells, tokens), {}, 0.0, /*is_causal=*/true),
                     cells);
}

/// Stores the keys and values of packed tokens in their rows' columns of layer `layer`.
inline void append(attention_input const& x, token_batch const& tokens, kv_cache& cache, std::size_t layer) {
    auto const put = [&](at::Tensor const& side, at::Tensor const& what) {
        side.transpose(1, 2).index_put_({tokens.rows, tokens.positions}, what);
    };
    put(cache.keys[layer], x.key), put(cache.values[layer], x.value);
}

/// One new query per row against the row's cached columns, its own included. Returns [R, heads · D].
inline at::Tensor attend_cached(attention_input const& x, token_batch const& tokens, kv_cache const& cache, std::size_t layer) {
    auto const used = [&](at::Tensor const& side) { return side.narrow(0, 0, tokens.row_count).narrow(2, 0, tokens.longest); };
    auto const seen = at::arange(tokens.longest, tokens.positions.options()).unsqueeze(0).le(tokens.positions.unsqueeze(1));
    auto const mixed = at::scaled_dot_product_attention(x.query.unsqueeze(2), used(cache.keys[layer]), used(cache.values[layer]),
                                                        seen.unsqueeze(1).unsqueeze(1));  // [R, heads, 1, D]
    return mixed.reshape({tokens.row_count, -1});
}

/// What a layer's attention does with its projections: among themselves, or, with a cache, filling or extending it.
inline at::Tensor self_attention(attention_input x, rotary const& rotate, token_batch const& tokens, kv_cache* cache, std::size_t layer) {
    x.query = rotate(x.query, tokens.positions), x.key = rotate(x.key, tokens.positions);
    if (cache) append(x, tokens, *cache, layer);
    return cache && cache->length > 0 ? attend_cached(x, tokens, *cache, layer) : attend(x, tokens);
}

}  // namespace proximal::libtorch
