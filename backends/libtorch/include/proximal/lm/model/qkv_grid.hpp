// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>
#include <ATen/Dispatch.h>
#include <ATen/OpMathType.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <proximal/libtorch/parallel_for.hpp>
#include <proximal/lm/model/rotary.hpp>
#include <proximal/lm/model/token_batch.hpp>

namespace proximal::lm {

/// One head's rotation by a position's angles (see rotary): forwards with direction 1, its transpose with −1.
template <class T>
void rotate_head(T const* x, T* out, T const* cos, T const* sin, std::int64_t half, std::int64_t size,
                 at::opmath_type<T> direction) {
    using real = at::opmath_type<T>;
    for (std::int64_t i = 0; i < half; ++i) {
        real const a = x[i], b = x[i + half], c = cos[i], s = direction * static_cast<real>(sin[i]);
        out[i] = static_cast<T>(a * c - b * s);
        out[i + half] = static_cast<T>(b * c + a * s);
    }
    std::copy(x + 2 * half, x + size, out + 2 * half);
}

/// Splits packed projections [N, heads · 3 · D] (heads outermost, as in GPT-NeoX) into query, key and value in the grid
/// [B, longest, heads, D], the first two rotated; padding is zero. One pass on the CPU, forwards and backwards.
struct qkv_to_grid : torch::autograd::Function<qkv_to_grid> {
    static torch::autograd::variable_list forward(torch::autograd::AutogradContext* context, at::Tensor const& qkv,
                                                  rotary const& rotate, token_batch const& tokens, std::int64_t heads) {
        auto const size = qkv.size(1) / (3 * heads);
        torch::autograd::variable_list grids;
        for (int part = 0; part < 3; ++part)
            grids.push_back(at::empty({tokens.row_count, tokens.longest, heads, size}, qkv.options()));
        at::Tensor packed = qkv.contiguous();
        move(packed, {grids[0], grids[1], grids[2]}, rotate.cos, rotate.sin, tokens.rows, tokens.positions, true);
        context->save_for_backward({rotate.cos, rotate.sin, tokens.rows, tokens.positions});
        return grids;
    }

    static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                   torch::autograd::variable_list gradients) {
        auto const saved = context->get_saved_variables();
        at::Tensor packed =
            at::empty({saved[3].size(0), 3 * gradients[0].size(2) * gradients[0].size(3)}, gradients[0].options());
        move(packed, {gradients[0], gradients[1], gradients[2]}, saved[0], saved[1], saved[2], saved[3], false);
        return {packed, {}, {}, {}};
    }

   private:
    static void move(at::Tensor& packed, std::array<at::Tensor, 3> grids, at::Tensor const& cos, at::Tensor const& sin,
                     at::Tensor const& rows, at::Tensor const& positions, bool to_grid) {
        for (auto& grid : grids)
            if (grid.stride(3) != 1) grid = grid.contiguous();
        std::int64_t const count = packed.size(0), columns = grids[0].size(1), heads = grids[0].size(2),
                           size = grids[0].size(3), half = cos.size(1);
        auto const* const row = rows.const_data_ptr<std::int64_t>();
        auto const* const position = positions.const_data_ptr<std::int64_t>();
        AT_DISPATCH_FLOATING_TYPES_AND2(at::kBFloat16, at::kHalf, packed.scalar_type(), "proximal::qkv_to_grid", [&] {
            auto* const flat = packed.mutable_data_ptr<scalar_t>();
            auto const *const c = cos.const_data_ptr<scalar_t>(), *const s = sin.const_data_ptr<scalar_t>();
            libtorch::parallel_for(0, count, 64, [&](std::int64_t begin, std::int64_t end) {
                for (std::int64_t n = begin; n < end; ++n)
                    for (int part = 0; part < 3; ++part) {
                        auto const& grid = grids[static_cast<std::size_t>(part)];
                        auto* const base = grid.mutable_data_ptr<scalar_t>() + row[n] * grid.stride(0);
                        auto* const there = base + position[n] * grid.stride(1);
                        std::int64_t const turned = part < 2 ? half : 0;
                        for (std::int64_t h = 0; h < heads; ++h) {
                            auto* const here = flat + ((n * heads + h) * 3 + part) * size;
                            auto* const cell = there + h * grid.stride(2);
                            if (to_grid)
                                rotate_head<scalar_t>(here, cell, c + position[n] * half, s + position[n] * half,
                                                      turned, size, 1);
                            else
                                rotate_head<scalar_t>(cell, here, c + position[n] * half, s + position[n] * half,
                                                      turned, size, -1);
                        }
                        bool const last = n + 1 == count || row[n + 1] != row[n];
                        if (to_grid && last)
                            std::fill(there + heads * size, base + columns * heads * size, static_cast<scalar_t>(0));
                    }
            });
        });
    }
};

}  // namespace proximal::lm
