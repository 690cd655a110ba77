// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>
#include <ATen/Dispatch.h>
#include <ATen/OpMathType.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <proximal/libtorch/move_heads.hpp>
#include <proximal/libtorch/parallel_for.hpp>
#include <proximal/lm/model/attention_input.hpp>
#include <proximal/lm/model/rotary.hpp>
#include <proximal/lm/model/token_batch.hpp>
#include <vector>

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

/// A tensor whose entries of a head lie side by side, for loops over pointers: itself, or a copy.
inline at::Tensor with_heads_contiguous(at::Tensor const& x) { return x.stride(-1) == 1 ? x : x.contiguous(); }

/// Brings packed query, key and value into the grid [B, longest, heads, D], the first two rotated; padding is zero.
/// One pass on the CPU, one kernel for each of the three elsewhere (see head_mover), forwards and backwards.
struct qkv_to_grid : torch::autograd::Function<qkv_to_grid> {
    /// Query, key and value.
    using parts = std::array<at::Tensor, 3>;

    /// `sources` receive the gradient: the fused projection alone, or query, key and value.
    static torch::autograd::variable_list forward(torch::autograd::AutogradContext* context, at::TensorList sources,
                                                  attention_input const& x, rotary const& rotate,
                                                  token_batch const& tokens) {
        parts const packed{with_heads_contiguous(x.query), with_heads_contiguous(x.key),
                           with_heads_contiguous(x.value)};
        torch::autograd::variable_list grids;
        for (auto const& part : packed)
            grids.push_back(at::empty({tokens.row_count, tokens.longest, part.size(1), part.size(2)}, part.options()));
        if (!rotate.cos.is_cpu() && tokens.row_count * tokens.longest != tokens.size())
            for (auto& grid : grids) grid.zero_();
        libtorch::token_angles const at{rotate.cos, rotate.sin, tokens.rows, tokens.positions};
        to_grids(packed, {grids[0], grids[1], grids[2]}, at);
        context->save_for_backward({at.cos, at.sin, at.rows, at.positions});
        if (sources.size() == 1) {  // where the parts lie in it
            std::vector<std::int64_t> layout;
            for (auto const& part : packed)
                for (auto const number :
                     {part.stride(0), part.stride(1), part.storage_offset() - sources[0].storage_offset()})
                    layout.push_back(number);
            context->saved_data["layout"] = layout;
        }
        return grids;
    }

    static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                   torch::autograd::variable_list gradients) {
        auto const saved = context->get_saved_variables();
        libtorch::token_angles const at{saved[0], saved[1], saved[2], saved[3]};
        std::int64_t const count = at.rows.size(0);
        torch::autograd::variable_list result;
        parts packed, grids;
        auto const layout = context->saved_data.find("layout");
        if (layout == context->saved_data.end())
            for (auto const& grid : gradients)
                result.push_back(at::empty({count, grid.size(2), grid.size(3)}, grid.options()));
        else {
            std::int64_t width = 0;
            for (auto const& grid : gradients) width += grid.size(2) * grid.size(3);
            result.push_back(at::empty({count, width}, gradients[0].options()));
        }
        for (std::size_t part = 0; part < 3; ++part) {
            auto const& grid = gradients[part];
            grids[part] = with_heads_contiguous(grid);
            if (layout == context->saved_data.end()) packed[part] = result[part];
            else {
                auto const numbers = layout->second.toIntVector();
                packed[part] =
                    result[0].as_strided({count, grid.size(2), grid.size(3)},
                                         {numbers[3 * part], numbers[3 * part + 1], 1}, numbers[3 * part + 2]);
            }
        }
        from_grids(grids, packed, at);
        result.resize(result.size() + 3);  // of what is no tensor of the graph
        return result;
    }

   private:
    /// Where the heads of a tensor [N, heads, D] or [B, columns, heads, D] lie.
    template <class T>
    struct heads_at {
        explicit heads_at(at::Tensor const& x)
            : data(x.mutable_data_ptr<T>()),
              outer(x.stride(0)),
              column(x.stride(1)),
              head(x.stride(-2)),
              count(x.size(-2)),
              size(x.size(-1)) {}
        T* data;
        std::int64_t outer, column, head, count, size;
    };
    template <class T>
    static std::array<heads_at<T>, 3> pointers(parts const& x) {
        return {heads_at<T>(x[0]), heads_at<T>(x[1]), heads_at<T>(x[2])};
    }

    static void move(libtorch::cuda::launcher const& launch, parts const& from, parts const& to,
                     libtorch::token_angles const& at, int direction) {
        for (std::size_t part = 0; part < 3; ++part)
            libtorch::move_heads(launch, from[part], to[part], at, part < 2 ? at.cos.size(1) : 0, direction);
    }

    static void to_grids(parts const& packed, parts const& grids, libtorch::token_angles const& at) {
        if (auto const* const launch = libtorch::head_mover(packed[0], at.cos))
            return move(*launch, packed, grids, at, 1);
        auto const* const row = at.rows.const_data_ptr<std::int64_t>();
        auto const* const position = at.positions.const_data_ptr<std::int64_t>();
        std::int64_t const count = at.rows.size(0), half = at.cos.size(1);
        AT_DISPATCH_FLOATING_TYPES_AND2(at::kBFloat16, at::kHalf, at.cos.scalar_type(), "proximal::qkv_to_grid", [&] {
            auto const *const cos = at.cos.const_data_ptr<scalar_t>(), *const sin = at.sin.const_data_ptr<scalar_t>();
            auto const from = pointers<scalar_t>(packed), to = pointers<scalar_t>(grids);
            libtorch::parallel_for(0, count, 64, [&](std::int64_t begin, std::int64_t end) {
                for (std::int64_t n = begin; n < end; ++n) {
                    std::int64_t const angles = position[n] * half;
                    bool const last = n + 1 == count || row[n + 1] != row[n];
                    for (std::size_t part = 0; part < 3; ++part) {
                        auto const &x = from[part], &grid = to[part];
                        auto* const first = grid.data + row[n] * grid.outer;
                        auto* const cell = first + position[n] * grid.column;
                        for (std::int64_t h = 0; h < x.count; ++h)
                            rotate_head<scalar_t>(x.data + n * x.outer + h * x.head, cell + h * grid.head, cos + angles,
                                                  sin + angles, part < 2 ? half : 0, x.size, 1);
                        if (last)  // behind it stands padding
                            std::fill(cell + grid.column, first + grid.outer, static_cast<scalar_t>(0));
                    }
                }
            });
        });
    }

    static void from_grids(parts const& grids, parts const& packed, libtorch::token_angles const& at) {
        if (auto const* const launch = libtorch::head_mover(packed[0], at.cos))
            return move(*launch, grids, packed, at, -1);
        auto const* const row = at.rows.const_data_ptr<std::int64_t>();
        auto const* const position = at.positions.const_data_ptr<std::int64_t>();
        std::int64_t const count = at.rows.size(0), half = at.cos.size(1);
        AT_DISPATCH_FLOATING_TYPES_AND2(at::kBFloat16, at::kHalf, at.cos.scalar_type(), "proximal::qkv_to_grid", [&] {
            auto const *const cos = at.cos.const_data_ptr<scalar_t>(), *const sin = at.sin.const_data_ptr<scalar_t>();
            auto const from = pointers<scalar_t>(grids), to = pointers<scalar_t>(packed);
            libtorch::parallel_for(0, count, 64, [&](std::int64_t begin, std::int64_t end) {
                for (std::int64_t n = begin; n < end; ++n) {
                    std::int64_t const angles = position[n] * half;
                    for (std::size_t part = 0; part < 3; ++part) {
                        auto const &grid = from[part], &x = to[part];
                        auto const* const cell = grid.data + row[n] * grid.outer + position[n] * grid.column;
                        for (std::int64_t h = 0; h < x.count; ++h)
                            rotate_head<scalar_t>(cell + h * grid.head, x.data + n * x.outer + h * x.head, cos + angles,
                                                  sin + angles, part < 2 ? half : 0, x.size, -1);
                    }
                }
            });
        });
    }
};

/// Query, key and value in the grid [B, longest, heads, D] each (see qkv_to_grid), differentiable.
inline torch::autograd::variable_list rotated_grids(attention_input const& x, rotary const& rotate,
                                                    token_batch const& tokens) {
    if (x.fused.defined() && x.fused.is_contiguous())
        return qkv_to_grid::apply(at::TensorList(x.fused), x, rotate, tokens);
    std::array<at::Tensor, 3> const sources{x.query, x.key, x.value};
    return qkv_to_grid::apply(at::TensorList(sources), x, rotate, tokens);
}

}  // namespace proximal::lm
