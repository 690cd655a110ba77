// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include <cstdint>
#include <cstring>
#include <proximal/libtorch/move_heads.hpp>
#include <proximal/libtorch/parallel_for.hpp>

namespace proximal::lm {

/// Rows `cells` [N] (distinct) of a matrix [M, H]: index_select whose gradient is a plain copy, since no row is taken
/// twice.
struct rows_of_grid : torch::autograd::Function<rows_of_grid> {
    static at::Tensor forward(torch::autograd::AutogradContext* context, at::Tensor const& grid,
                              at::Tensor const& cells) {
        context->save_for_backward({cells});
        context->saved_data["rows"] = grid.size(0);
        at::Tensor const from = grid.contiguous();
        at::Tensor const packed = at::empty({cells.size(0), grid.size(1)}, grid.options());
        each(cells, packed,
             [&](std::byte* row, std::int64_t cell) { std::memcpy(row, at_row(from, cell), row_bytes(from)); });
        return packed;
    }

    static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                   torch::autograd::variable_list gradients) {
        at::Tensor const from = gradients[0].contiguous();
        at::Tensor const grid = at::zeros({context->saved_data["rows"].toInt(), from.size(1)}, from.options());
        each(context->get_saved_variables()[0], from,
             [&](std::byte const* row, std::int64_t cell) { std::memcpy(at_row(grid, cell), row, row_bytes(from)); });
        return {grid, {}};
    }

   private:
    static std::size_t row_bytes(at::Tensor const& x) { return static_cast<std::size_t>(x.size(1)) * x.element_size(); }
    static std::byte* at_row(at::Tensor const& x, std::int64_t row) {
        return static_cast<std::byte*>(x.data_ptr()) + static_cast<std::size_t>(row) * row_bytes(x);
    }
    static void each(at::Tensor const& cells, at::Tensor const& packed, auto const& copy) {
        auto const* const cell = cells.const_data_ptr<std::int64_t>();
        libtorch::parallel_for(0, cells.size(0), 64, [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t n = begin; n < end; ++n) copy(at_row(packed, n), cell[n]);
        });
    }
};

/// The tokens' heads of a grid [B, heads, columns, D], packed: [N, heads · D]. One kernel, forwards and backwards, on a
/// device that has a head_mover; what padding holds is not read, and its gradient is 0.
struct heads_of_grid : torch::autograd::Function<heads_of_grid> {
    static at::Tensor forward(torch::autograd::AutogradContext* context, at::Tensor const& grid,
                              libtorch::token_angles const& at) {
        context->save_for_backward({at.cos, at.sin, at.rows, at.positions});
        context->saved_data["sizes"] = grid.sizes();
        at::Tensor const from = (grid.stride(3) == 1 ? grid : grid.contiguous()).transpose(1, 2);
        at::Tensor const packed = at::empty({at.rows.size(0), from.size(2), from.size(3)}, grid.options());
        libtorch::move_heads(*libtorch::head_mover(grid, at.cos), from, packed, at, 0, 1);
        return packed.flatten(1);
    }

    static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                   torch::autograd::variable_list gradients) {
        auto const saved = context->get_saved_variables();
        libtorch::token_angles const at{saved[0], saved[1], saved[2], saved[3]};
        auto const size = context->saved_data["sizes"].toIntVector();  // B, heads, columns, D
        at::Tensor const from = gradients[0].contiguous().view({-1, size[1], size[3]});
        at::Tensor const grid = at::empty({size[0], size[2], size[1], size[3]}, from.options());
        if (size[0] * size[2] != from.size(0)) grid.zero_();
        libtorch::move_heads(*libtorch::head_mover(from, at.cos), from, grid, at, 0, 1);
        return {grid.transpose(1, 2), {}};
    }
};

}  // namespace proximal::lm
