// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>

#include <algorithm>
#include <cstdint>
#include <proximal/libtorch/cuda/launch.hpp>
#include <proximal/libtorch/cuda/move_heads.hpp>

namespace proximal::libtorch {

/// Where head h of token n, at `position` of `row`, begins: n·token + row·row + position·column + h·head entries in.
struct head_strides {
    std::int64_t token = 0, row = 0, column = 0, head = 0;
};
/// Of packed tokens [N, heads, D].
inline head_strides packed_heads(at::Tensor const& x) { return {.token = x.stride(0), .head = x.stride(1)}; }
/// Of a grid [B, columns, heads, D].
inline head_strides grid_heads(at::Tensor const& x) {
    return {.row = x.stride(0), .column = x.stride(1), .head = x.stride(2)};
}

/// Where packed tokens stand, and the angles there: cos and sin [positions, half], rows and positions [N] int64.
struct token_angles {
    at::Tensor cos, sin, rows, positions;
};

/// Who launches move_heads for heads of x, or null: on the CPU, where nothing can be launched, for float16, and where
/// the angles are not of the dtype in which such numbers are multiplied.
inline cuda::launcher const* head_mover(at::Tensor const& x, at::Tensor const& cos) {
    bool const is_narrow = x.scalar_type() == at::kBFloat16;
    if (cos.scalar_type() != (is_narrow ? at::kFloat : x.scalar_type()) || cos.device() != x.device()) return nullptr;
    return cuda::launcher_for(cos);
}

/// Copies `heads` heads of `size` entries of each token in one kernel, rotated: see cuda::move_heads_kernel. half 0
/// rotates nothing; direction is 1 or −1. Entries of a head lie side by side in both; they do not overlap.
inline void move_heads(cuda::launcher const& launch, at::Tensor const& from, head_strides const& lie,
                       at::Tensor const& to, head_strides const& go, token_angles const& at, std::int64_t heads,
                       std::int64_t size, std::int64_t half, int direction) {
    char const* const scalar = from.scalar_type() == at::kBFloat16 ? "bfloat16" : cuda::scalar_name(from.scalar_type());
    auto const threads = static_cast<unsigned>(std::min<std::int64_t>((heads * size + 31) / 32, 8) * 32);
    launch(cuda::move_heads_kernel(scalar, size), "move_heads", from.device(), at.rows.size(0), threads,
           from.const_data_ptr(), to.mutable_data_ptr(), at.cos.const_data_ptr(), at.sin.const_data_ptr(),
           at.rows.const_data_ptr<std::int64_t>(), at.positions.const_data_ptr<std::int64_t>(), lie.token, lie.row,
           lie.column, lie.head, go.token, go.row, go.column, go.head, static_cast<int>(heads), static_cast<int>(half),
           direction);
}

}  // namespace proximal::libtorch
