// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/array.hpp>
#include <proximal/knob.hpp>

namespace proximal {

/// A λ that grows with the response, so that the last reward reaches the first token of a long one.
///
///     λ[b] = 1 − 1/max(α ℓ[b], 1),   ℓ = the number of response tokens
///
/// Source: Yue et al., VAPO: Efficient and Reliable Reinforcement Learning for Advanced Reasoning Tasks (2025),
/// arXiv 2504.05118, section 4.2, where Σₜ λᵗ ≈ 1/(1 − λ) = α ℓ.
/// Departure: the max, for responses so short that the paper's 1 − 1/(α ℓ) is negative: there λ is 0.
///
/// Knob: lambda_alpha, α > 0; 0.05 is the paper's. The member is called `alpha`.
/// Takes: mask [B, T]. Gives: λ [B, T].
struct length_adaptive_lambda {
    double alpha = 0.05;
    static constexpr auto knobs = reflect(
        knob<"lambda_alpha">(&length_adaptive_lambda::alpha, "reach of a reward, as a share of the length", above(0)));

    template <class Array>
    constexpr Array operator()(Array const& mask) const {
        auto const length = row_sum(mask);  // [B]
        return spread(1.0 - 1.0 / max(alpha * length, 1.0), mask);
    }
};

}  // namespace proximal
