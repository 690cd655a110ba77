// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/concepts.hpp>

namespace proximal {

/// Every response counts alike, however long: the mean over responses of each one's token mean.
///
///     w[b, t] = mask[b, t] / (n ℓ[b]),   ℓ = Σₜ mask, n = the responses with ℓ > 0
///
/// Source: Shao et al., DeepSeekMath (2024), arXiv 2402.03300, equation 3; verl's seq-mean-token-mean.
/// A long response's tokens weigh less: what DAPO's token_mean and Dr. GRPO's token_sum object to.
///
/// Reads: a mask [B, T]. Gives: weights [B, T] that sum to 1; 0 when the mask is empty.
struct sequence_mean_token_mean {
    template <class Array>
    constexpr Array operator()(Array const& mask) const {
        Array const length = row_sum(mask);  // [B]
        return mask / spread(max(length, 1.0), mask) / max(sum(min(length, 1.0)), 1.0);
    }
};
static_assert(Aggregation<sequence_mean_token_mean>);

}  // namespace proximal
