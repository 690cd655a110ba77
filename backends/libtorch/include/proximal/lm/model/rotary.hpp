// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>

#include <cstdint>

namespace proximal::lm {

/// Rotary position embedding: turns pairs of a head's first 2·R entries by an angle that grows with the position.
///
///     x[i]     ← x[i] · cos(p·ωᵢ) − x[i + R] · sin(p·ωᵢ)
///     x[i + R] ← x[i + R] · cos(p·ωᵢ) + x[i] · sin(p·ωᵢ)        ωᵢ = base^(−i/R), i < R
///
/// Source: Su et al., RoFormer (2021), arXiv 2104.09864; the half-split pairing is GPT-NeoX's and Llama's.
/// Hugging Face computes the tables in float32 even for a float64 model: `precision` chooses. They are stored in
/// `dtype`.
struct rotary {
    at::Tensor cos, sin;  // [positions, R]

    rotary() = default;
    rotary(std::int64_t dimensions, double base, std::int64_t positions, at::ScalarType precision,
           at::TensorOptions const& stored) {
        auto const options = stored.dtype(precision);
        at::Tensor const frequency =
            at::pow(base, at::arange(0, dimensions, 2, options) / static_cast<double>(dimensions)).reciprocal();  // [R]
        at::Tensor const angle = at::outer(at::arange(positions, options), frequency);  // [positions, R]
        cos = angle.cos().to(stored.dtype());
        sin = angle.sin().to(stored.dtype());
    }

    /// R / 2: dimension i turns with dimension i + R / 2.
    std::int64_t half() const { return cos.size(1); }

    /// x [N, heads, D] at positions [N], composed of ATen operations: any device, differentiable. The result is of x's
    /// dtype, computed in the tables' where that is wider.
    at::Tensor operator()(at::Tensor const& x, at::Tensor const& positions) const {
        auto const c = cos.index_select(0, positions).unsqueeze(1), s = sin.index_select(0, positions).unsqueeze(1);
        auto const first = x.narrow(-1, 0, half()), second = x.narrow(-1, half(), half());
        auto const rest = x.narrow(-1, 2 * half(), x.size(-1) - 2 * half());
        auto const type = x.scalar_type();
        return at::cat({(first * c - second * s).to(type), (second * c + first * s).to(type), rest}, -1);
    }
};

}  // namespace proximal::lm
