// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <proximal/lm/model/attention_input.hpp>
#include <vector>

namespace proximal::lm {

/// Keys and values of the tokens that a model has seen, so that the next token costs one token.
///
/// A backbone's make_cache() builds it. The first forward() with it (length == 0) takes whole prompts and fills it;
/// every later one takes exactly one new token per row, rows in order, and appends. No gradient passes through it.
struct kv_cache {
    std::vector<at::Tensor> keys = {};    // per layer [R, kv_heads, capacity, D]; column = position
    std::vector<at::Tensor> values = {};  // per layer [R, kv_heads, capacity, D]
    std::int64_t length = 0;              // columns in use: those of the longest row
    std::int64_t row_count = 0;           // R: rows in use, the first ones
    std::int64_t capacity = 0;            // positions that fit

    /// Keeps `count` rows: row `from[i]` takes the place of `to[i]`, [K] int64 each, then the rows from `count` on are
    /// gone. Costs only the rows moved.
    void shrink(at::Tensor const& from, at::Tensor const& to, std::int64_t count) {
        if (from.size(0) > 0)
            for (auto* side : {&keys, &values})
                for (auto& layer : *side) {
                    auto used = layer.narrow(2, 0, length);
                    used.index_copy_(0, to, used.index_select(0, from));
                }
        row_count = count;
    }
};

/// A cache of nothing yet, for that many layers of one shape, rows and positions.
inline kv_cache empty_cache(std::size_t layer_count, attention_shape const& shape, std::int64_t row_count,
                            std::int64_t capacity, at::TensorOptions const& options) {
    kv_cache cache{.row_count = row_count, .capacity = capacity};
    for (std::size_t i = 0; i < layer_count; ++i)
        for (auto* side : {&cache.keys, &cache.values})
            side->push_back(at::zeros({row_count, shape.kv_heads, capacity, shape.head_size}, options));
    return cache;
}

}  // namespace proximal::lm
