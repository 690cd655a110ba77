// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/concepts.hpp>
#include <proximal/knob.hpp>

namespace proximal {

/// A constant in place of every length: no response's tokens weigh more or less for how long it, or another, became.
///
///     w[b, t] = mask[b, t] / (B L)
///
/// Source: Liu et al., Understanding R1-Zero-Like Training (Dr. GRPO, 2025), arXiv 2503.20783; verl's
/// seq-mean-token-sum-norm.
/// All B rows count, empty ones too, so how a batch is split into equal micro-batches does not change the result.
///
/// Knob: loss_scale_factor, L > 0: the longest response; 53 is TRL's response_length. The member is called `length`.
/// Reads: a mask [B, T]. Gives: weights [B, T], 0 everywhere when the mask is empty.
struct token_sum {
    double length = 53.0;
    static constexpr auto knobs =
        reflect(knob<"loss_scale_factor">(&token_sum::length, "what a response's token sum is divided by", above(0)));

    /// The longest response is that of the run.
    constexpr void assume_response_length(double tokens) { length = tokens; }

    template <class Array>
    constexpr Array operator()(Array const& mask) const {
        Array const rows = count(row_sum(mask));  // B
        return mask / (rows * length);
    }
};
static_assert(Aggregation<token_sum>);

}  // namespace proximal
