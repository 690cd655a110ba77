// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <cstdint>
#include <stdexcept>
#include <string>

namespace proximal::lm {

/// How a layer's attention is divided. With fewer kv_heads than heads, queries share keys and values in groups.
///
/// Source: Ainslie et al., GQA (2023), arXiv 2305.13245: query head h reads key head h / group(), as in Llama.
struct attention_shape {
    std::int64_t heads = 0;      // of queries
    std::int64_t kv_heads = 0;   // of keys and of values
    std::int64_t head_size = 0;  // D; heads · D need not be the model's width

    /// How many query heads read one key head.
    std::int64_t group() const { return heads / kv_heads; }
    /// Throws std::invalid_argument where a number is not positive, or kv_heads does not divide heads.
    void check() const {
        if (heads < 1 || kv_heads < 1 || head_size < 1 || heads % kv_heads != 0)
            throw std::invalid_argument("proximal: attention of " + std::to_string(heads) + " heads, " +
                                        std::to_string(kv_heads) + " kv_heads and head_size " +
                                        std::to_string(head_size) +
                                        "; all must be positive, and kv_heads must divide heads");
    }
};

/// Queries, keys and values of packed tokens, before rotation: views of any strides, of one dtype and device.
struct attention_input {
    at::Tensor query;       // [N, heads, D]
    at::Tensor key, value;  // [N, kv_heads, D]
    // Where the three are views of one contiguous projection that leave nothing of it over, that projection: its
    // gradient is then written in one pass instead of joined from three.
    at::Tensor fused = {};
};

/// The parts of a fused projection [N, heads · 3 · D] whose columns are [heads, 3, D], as in GPT-NeoX.
/// Throws std::invalid_argument where keys are grouped, which this order has no place for, or the width is another.
inline attention_input interleaved_qkv(at::Tensor const& fused, attention_shape const& shape) {
    if (shape.heads != shape.kv_heads)
        throw std::invalid_argument(
            "proximal: a projection in the order [heads, 3, D] has as many keys as queries; use consecutive_qkv");
    if (fused.dim() != 2 || fused.size(1) != 3 * shape.heads * shape.head_size)
        throw std::invalid_argument("proximal: a fused projection must be [N, heads * 3 * head_size] of its shape");
    std::int64_t const count = fused.size(0), size = shape.head_size;
    if (fused.is_contiguous() && !(at::GradMode::is_enabled() && fused.requires_grad())) {
        // Decoding does little else: these views cost a third of those that autograd needs.
        auto const part = [&](std::int64_t i) {
            return fused.as_strided({count, shape.heads, size}, {fused.size(1), 3 * size, 1},
                                    fused.storage_offset() + i * size);
        };
        return {part(0), part(1), part(2), fused};
    }
    auto const parts = fused.view({count, shape.heads, 3, size}).unbind(2);
    return {parts[0], parts[1], parts[2], fused};
}

/// The parts of a fused projection [N, (heads + 2 · kv_heads) · D]: all queries, then all keys, then all values; the
/// order [3, heads, D] of GPT-2 where nothing is grouped.
inline attention_input consecutive_qkv(at::Tensor const& fused, attention_shape const& shape) {
    auto const parts = fused.view({fused.size(0), shape.heads + 2 * shape.kv_heads, shape.head_size})
                           .split_with_sizes({shape.heads, shape.kv_heads, shape.kv_heads}, 1);
    return {parts[0], parts[1], parts[2], fused};
}

}  // namespace proximal::lm
