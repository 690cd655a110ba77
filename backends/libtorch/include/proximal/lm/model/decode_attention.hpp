// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>
#include <ATen/Dispatch.h>
#include <ATen/OpMathType.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <proximal/libtorch/parallel_for.hpp>
#include <proximal/lm/model/attention_input.hpp>
#include <proximal/lm/model/kv_cache.hpp>
#include <proximal/lm/model/qkv_grid.hpp>
#include <proximal/lm/model/rotary.hpp>
#include <proximal/lm/model/token_batch.hpp>
#include <vector>

namespace proximal::lm {

// Both loops run in blocks of a fixed size: g++ vectorises those at -O2, and no others.
/// Numbers that one turn of these loops takes.
inline constexpr std::int64_t block = 16;

/// Σ x[i]·y[i].
template <class T>
at::opmath_type<T> dot(at::opmath_type<T> const* x, T const* y, std::int64_t size) {
    std::array<at::opmath_type<T>, block> sums{};
    std::int64_t i = 0;
    for (; i + block <= size; i += block)
        for (std::int64_t l = 0; l < block; ++l)
            sums[static_cast<std::size_t>(l)] += x[i + l] * static_cast<at::opmath_type<T>>(y[i + l]);
    for (; i < size; ++i) sums[static_cast<std::size_t>(i % block)] += x[i] * static_cast<at::opmath_type<T>>(y[i]);
    at::opmath_type<T> total = 0;
    for (auto const sum : sums) total += sum;
    return total;
}

/// y ← y + a·x.
template <class T>
void add_scaled(at::opmath_type<T> a, T const* __restrict x, at::opmath_type<T>* __restrict y, std::int64_t size) {
    std::int64_t i = 0;
    for (; i + block <= size; i += block)
        for (std::int64_t l = 0; l < block; ++l) y[i + l] += a * static_cast<at::opmath_type<T>>(x[i + l]);
    for (; i < size; ++i) y[i] += a * static_cast<at::opmath_type<T>>(x[i]);
}

/// softmax(qᵀkⱼ / √D) vⱼ over `count` columns of keys and values [columns, D], into `out` [D]. The others are room that
/// is written: weights for `count`, scaled and mixed for D.
template <class T>
void attend_columns(T const* query, T const* k, T const* v, std::int64_t count, std::int64_t size, T* out,
                    at::opmath_type<T>* weights, at::opmath_type<T>* scaled, at::opmath_type<T>* mixed) {
    using real = at::opmath_type<T>;
    real const root = std::sqrt(static_cast<real>(size));
    for (std::int64_t d = 0; d < size; ++d) scaled[d] = query[d] / root;
    for (std::int64_t j = 0; j < count; ++j) weights[j] = dot<T>(scaled, k + j * size, size);
    real const greatest = *std::max_element(weights, weights + count);
    real total = 0;
    std::fill_n(mixed, size, static_cast<real>(0));
    for (std::int64_t j = 0; j < count; ++j) {
        real const weight = std::exp(weights[j] - greatest);
        total += weight;
        add_scaled<T>(weight, v + j * size, mixed, size);
    }
    for (std::int64_t d = 0; d < size; ++d) out[d] = static_cast<T>(mixed[d] / total);
}

/// One new token per row on the CPU: rotates, appends to the cache and attends in one pass, over each row's own columns
/// and no more. Reads query, key and value where they lie; returns [R, heads · D]. Records no gradient.
inline at::Tensor decode_attention(attention_input const& x, attention_shape const& shape, rotary const& rotate,
                                   token_batch const& tokens, kv_cache const& cache, std::size_t layer) {
    at::Tensor const queries = with_heads_contiguous(x.query), new_keys = with_heads_contiguous(x.key),
                     new_values = with_heads_contiguous(x.value), keys = cache.keys[layer],
                     values = cache.values[layer];
    std::int64_t const capacity = keys.size(2), size = shape.head_size, kv_heads = shape.kv_heads,
                       group = shape.group(), half = rotate.half(), rows = queries.size(0);
    at::Tensor const result = at::empty({rows, shape.heads * size}, queries.options());
    auto const* const position = tokens.positions.const_data_ptr<std::int64_t>();
    AT_DISPATCH_FLOATING_TYPES_AND2(at::kBFloat16, at::kHalf, queries.scalar_type(), "proximal::decode_attention", [&] {
        using real = at::opmath_type<scalar_t>;
        auto const at_head = [](at::Tensor const& part) {  // (row, head) to its first entry
            return [data = part.const_data_ptr<scalar_t>(), row = part.stride(0), head = part.stride(1)](
                       std::int64_t r, std::int64_t h) { return data + r * row + h * head; };
        };
        auto const query_at = at_head(queries), key_at = at_head(new_keys), value_at = at_head(new_values);
        auto const *const cos = rotate.cos.const_data_ptr<scalar_t>(), *const sin =
                                                                           rotate.sin.const_data_ptr<scalar_t>();
        auto *const cached_keys = keys.mutable_data_ptr<scalar_t>(), *const cached_values =
                                                                         values.mutable_data_ptr<scalar_t>();
        auto* const out = result.mutable_data_ptr<scalar_t>();
        // One turn appends a key head's entries, then serves the query heads that read it.
        std::int64_t const grain = std::max<std::int64_t>(1, 4 / group);
        libtorch::parallel_for(0, rows * kv_heads, grain, [&](std::int64_t begin, std::int64_t end) {
            auto const room = static_cast<std::size_t>(size);
            std::vector<real> weights(static_cast<std::size_t>(tokens.longest)), query(room), mixed(room);
            std::vector<scalar_t> turned(room);
            for (std::int64_t i = begin; i < end; ++i) {
                std::int64_t const r = i / kv_heads, kv_head = i % kv_heads, p = position[r], count = p + 1;
                auto *const k = cached_keys + i * capacity * size, *const v = cached_values + i * capacity * size;
                rotate_head<scalar_t>(key_at(r, kv_head), k + p * size, cos + p * half, sin + p * half, half, size, 1);
                std::copy_n(value_at(r, kv_head), size, v + p * size);
                for (std::int64_t h = kv_head * group; h < (kv_head + 1) * group; ++h) {
                    rotate_head<scalar_t>(query_at(r, h), turned.data(), cos + p * half, sin + p * half, half, size, 1);
                    attend_columns<scalar_t>(turned.data(), k, v, count, size, out + (r * shape.heads + h) * size,
                                             weights.data(), query.data(), mixed.data());
                }
            }
        });
    });
    return result;
}

}  // namespace proximal::lm
