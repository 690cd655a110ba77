// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>

#include <algorithm>
#include <cstdint>
#include <proximal/libtorch/cuda/launch.hpp>
#include <proximal/libtorch/cuda/move_heads.hpp>

namespace proximal::libtorch {

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

/// Copies the heads of each token in one kernel, rotated: see cuda::move_heads_kernel. Either tensor is packed tokens
/// [N, heads, D] or a grid [B, columns, heads, D], of any strides, but a head's entries lie side by side; they do not
/// overlap. half 0 rotates nothing; direction is 1 or −1.
inline void move_heads(cuda::launcher const& launch, at::Tensor const& from, at::Tensor const& to,
                       token_angles const& at, std::int64_t half, int direction) {
    std::int64_t const heads = from.size(-2), size = from.size(-1);
    auto const token = [](at::Tensor const& x) { return x.dim() == 3 ? x.stride(0) : 0; };
    auto const row = [](at::Tensor const& x) { return x.dim() == 3 ? 0 : x.stride(0); };
    auto const column = [](at::Tensor const& x) { return x.dim() == 3 ? 0 : x.stride(1); };
    char const* const scalar = from.scalar_type() == at::kBFloat16 ? "bfloat16" : cuda::scalar_name(from.scalar_type());
    auto const threads = static_cast<unsigned>(std::min<std::int64_t>((heads * size + 31) / 32, 8) * 32);
    launch(cuda::move_heads_kernel(scalar, size), "move_heads", from.device(), at.rows.size(0), threads,
           from.const_data_ptr(), to.mutable_data_ptr(), at.cos.const_data_ptr(), at.sin.const_data_ptr(),
           at.rows.const_data_ptr<std::int64_t>(), at.positions.const_data_ptr<std::int64_t>(), token(from), row(from),
           column(from), from.stride(-2), token(to), row(to), column(to), to.stride(-2), static_cast<int>(heads),
           static_cast<int>(half), direction);
}

}  // namespace proximal::libtorch
