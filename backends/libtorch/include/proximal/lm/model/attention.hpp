// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <proximal/libtorch/move_heads.hpp>
#include <proximal/lm/model/attention_input.hpp>
#include <proximal/lm/model/decode_attention.hpp>
#include <proximal/lm/model/grid_rows.hpp>
#include <proximal/lm/model/kv_cache.hpp>
#include <proximal/lm/model/qkv_grid.hpp>
#include <proximal/lm/model/rotary.hpp>
#include <proximal/lm/model/token_batch.hpp>
#include <stdexcept>

namespace proximal::lm {

/// [N] int64: a token's place in attention's own grid [B, longest], where padding stands after the real tokens.
inline at::Tensor attention_cells(token_batch const& tokens) { return tokens.rows * tokens.longest + tokens.positions; }

/// Packed [N, heads, D] to a grid [B, heads, columns, D], zero where no token stands.
inline at::Tensor to_grid(at::Tensor const& x, at::Tensor const& cells, std::int64_t rows, std::int64_t columns) {
    auto const flat = rows * columns == x.size(0)
                          ? x
                          : at::index_copy(at::zeros({rows * columns, x.size(1), x.size(2)}, x.options()), 0, cells, x);
    return flat.view({rows, columns, x.size(1), x.size(2)}).transpose(1, 2);
}

/// A grid [B, heads, columns, D] back to packed [N, heads · D].
inline at::Tensor from_grid(at::Tensor const& grid, at::Tensor const& cells) {
    auto const flat = grid.transpose(1, 2).reshape({grid.size(0) * grid.size(2), grid.size(1) * grid.size(3)});
    return flat.size(0) == cells.size(0) ? flat : flat.index_select(0, cells);
}

/// Keys or values [B, kv_heads, columns, D] as each query head reads them, [B, heads, columns, D].
inline at::Tensor repeat_kv(at::Tensor const& x, attention_shape const& shape) {
    if (shape.group() == 1) return x;
    return x.unsqueeze(2).expand({-1, -1, shape.group(), -1, -1}).flatten(1, 2);
}

/// Causal self-attention among the tokens of each row.
///
/// Because padding stands behind the real tokens in its grid, causality alone keeps padding out: no mask is built.
/// Returns [N, heads · D].
inline at::Tensor attend(attention_input const& x, attention_shape const& shape, token_batch const& tokens) {
    auto const cells = attention_cells(tokens);
    auto const grid = [&](at::Tensor const& part) { return to_grid(part, cells, tokens.row_count, tokens.longest); };
    return from_grid(at::scaled_dot_product_attention(grid(x.query), repeat_kv(grid(x.key), shape),
                                                      repeat_kv(grid(x.value), shape), {}, 0.0, /*is_causal=*/true),
                     cells);
}

/// The same where some tokens are seen by none (token_batch::seen): on the slots, under an explicit mask.
inline at::Tensor attend_seen(attention_input const& x, attention_shape const& shape, token_batch const& tokens) {
    auto const B = tokens.row_count, S = tokens.column_count;
    auto const cells = tokens.index();
    auto const grid = [&](at::Tensor const& part) { return to_grid(part, cells, B, S); };
    auto const key = at::zeros({B * S}, tokens.seen.options()).index_copy(0, cells, tokens.seen).view({B, 1, 1, S});
    auto const slot = at::arange(S, cells.options());
    auto mask = key.logical_and(slot.unsqueeze(0).le(slot.unsqueeze(1)));  // [B, 1, S, S]
    mask = mask.logical_or(mask.any(-1, true).logical_not());              // a softmax over nothing is NaN
    return from_grid(at::scaled_dot_product_attention(grid(x.query), repeat_kv(grid(x.key), shape),
                                                      repeat_kv(grid(x.value), shape), mask),
                     cells);
}

/// Stores the keys and values of packed tokens in their rows' columns of layer `layer`.
inline void append(attention_input const& x, token_batch const& tokens, kv_cache& cache, std::size_t layer) {
    auto const put = [&](at::Tensor const& side, at::Tensor const& what) {
        side.transpose(1, 2).index_put_({tokens.rows, tokens.positions}, what.to(side.scalar_type()));
    };
    put(cache.keys[layer], x.key);
    put(cache.values[layer], x.value);
}

/// One new query per row against the row's cached columns, its own included. Returns [R, heads · D].
inline at::Tensor attend_cached(attention_input const& x, attention_shape const& shape, token_batch const& tokens,
                                kv_cache const& cache, std::size_t layer) {
    auto const used = [&](at::Tensor const& side) {
        return repeat_kv(side.narrow(0, 0, tokens.row_count).narrow(2, 0, tokens.longest), shape);
    };
    auto const seen =
        at::arange(tokens.longest, tokens.positions.options()).unsqueeze(0).le(tokens.positions.unsqueeze(1));
    auto const mixed =
        at::scaled_dot_product_attention(x.query.unsqueeze(2), used(cache.keys[layer]), used(cache.values[layer]),
                                         seen.unsqueeze(1).unsqueeze(1));  // [R, heads, 1, D]
    return mixed.reshape({tokens.row_count, -1});
}

/// Self-attention composed of ATen operations, for any device: see self_attention.
inline at::Tensor composed_attention(attention_input const& x, attention_shape const& shape, rotary const& rotate,
                                     token_batch const& tokens, kv_cache* cache, std::size_t layer) {
    bool const decodes = cache && cache->length > 0;
    auto const turn = [&]() -> attention_input {
        if (!decodes) return {rotate(x.query, tokens.positions), rotate(x.key, tokens.positions), x.value};
        // In one pass: on an accelerator a step of decoding takes as long as it has operations.
        auto const both =
            rotate(at::cat({x.query, x.key}, 1), tokens.positions).split_with_sizes({shape.heads, shape.kv_heads}, 1);
        return {both[0], both[1], x.value};
    };
    auto const turned = turn();
    if (tokens.seen.defined()) return attend_seen(turned, shape, tokens);
    if (cache) append(turned, tokens, *cache, layer);
    return decodes ? attend_cached(turned, shape, tokens, *cache, layer) : attend(turned, shape, tokens);
}

/// Rotates a new token of each row, appends it to the cache and attends, a kernel for each of query, key and value: on
/// a device that has a head_mover. Records no gradient.
inline at::Tensor decode_with_kernels(libtorch::cuda::launcher const& launch, attention_input const& x,
                                      attention_shape const& shape, rotary const& rotate, token_batch const& tokens,
                                      kv_cache const& cache, std::size_t layer) {
    libtorch::token_angles const at{rotate.cos, rotate.sin, tokens.rows, tokens.positions};
    auto const move = [&](at::Tensor const& part, at::Tensor const& to, std::int64_t half) {
        libtorch::move_heads(launch, with_heads_contiguous(part), to, at, half, 1);
    };
    at::Tensor const query = at::empty({tokens.size(), shape.heads, shape.head_size}, x.query.options());
    at::Tensor const keys = cache.keys[layer].transpose(1, 2), values = cache.values[layer].transpose(1, 2);
    move(x.query, query, rotate.half());
    move(x.key, keys, rotate.half());
    move(x.value, values, 0);
    return attend_cached({query, x.key, x.value}, shape, tokens, cache, layer);
}

/// The same in few passes: on the CPU, and in kernels on a device that has a head_mover.
inline at::Tensor fused_attention(attention_input const& x, attention_shape const& shape, rotary const& rotate,
                                  token_batch const& tokens, kv_cache* cache, std::size_t layer) {
    auto const* const launch = libtorch::head_mover(x.query, rotate.cos);
    if (cache && cache->length > 0)
        return launch ? decode_with_kernels(*launch, x, shape, rotate, tokens, *cache, layer)
                      : decode_attention(x, shape, rotate, tokens, *cache, layer);
    auto const grid = rotated_grids(x, rotate, tokens);  // [B, longest, heads, D] each
    auto const query = grid[0].transpose(1, 2), key = grid[1].transpose(1, 2), value = grid[2].transpose(1, 2);
    if (cache) {
        auto const filled = [&](at::Tensor const& side) {
            return side.narrow(0, 0, tokens.row_count).narrow(2, 0, tokens.longest);
        };
        filled(cache->keys[layer]).copy_(key);
        filled(cache->values[layer]).copy_(value);
    }
    auto const mixed = at::scaled_dot_product_attention(query, repeat_kv(key, shape), repeat_kv(value, shape), {}, 0.0,
                                                        /*is_causal=*/true);  // [B, heads, longest, D]
    if (launch)
        return heads_of_grid::apply(mixed,
                                    libtorch::token_angles{rotate.cos, rotate.sin, tokens.rows, tokens.positions});
    auto const flat = mixed.transpose(1, 2).reshape({tokens.row_count * tokens.longest, -1});
    return flat.size(0) == tokens.size() ? flat : rows_of_grid::apply(flat, attention_cells(tokens));
}

/// Causal self-attention of packed tokens with rotary positions: among themselves, or, with a cache, filling it or
/// extending it. In few passes where every token is seen: on the CPU if the tables of angles have the input's dtype (in
/// mixed precision they are wider), on a device that has a head_mover; else composed of ATen operations. Returns
/// [N, heads · D].
///
/// Throws std::invalid_argument where the input has not the shape.
inline at::Tensor self_attention(attention_input const& x, attention_shape const& shape, rotary const& rotate,
                                 token_batch const& tokens, kv_cache* cache, std::size_t layer) {
    auto const fits = [&](at::Tensor const& part, std::int64_t heads) {
        return part.dim() == 3 && part.size(0) == tokens.size() && part.size(1) == heads &&
               part.size(2) == shape.head_size;
    };
    if (!fits(x.query, shape.heads) || !fits(x.key, shape.kv_heads) || !fits(x.value, shape.kv_heads))
        throw std::invalid_argument(
            "proximal: attention takes queries [N, heads, D], keys and values [N, kv_heads, D] of its shape, one per "
            "token; view the projections so");
    if (tokens.size() == 0) return x.query.flatten(1);  // no row, no kernel; yet a part of the graph
    bool const in_few_passes = x.query.is_cpu() ? x.query.scalar_type() == rotate.cos.scalar_type()
                                                : libtorch::head_mover(x.query, rotate.cos) != nullptr;
    bool const fits_cache = !cache || cache->keys[layer].scalar_type() == x.query.scalar_type();
    bool const fused = in_few_passes && fits_cache && !tokens.seen.defined();
    return (fused ? fused_attention : composed_attention)(x, shape, rotate, tokens, cache, layer);
}

}  // namespace proximal::lm
