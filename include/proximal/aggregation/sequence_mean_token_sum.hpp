// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/concepts.hpp>

namespace proximal {

/// The mean over responses of each one's token sum: the policy gradient of whole responses.
///
///     w[b, t] = mask[b, t] / n,   n = the responses with a token
///
/// Source: Williams (1992), an episode's gradient being the sum over its steps; verl's seq-mean-token-sum.
///
/// Reads: a mask [B, T]. Gives: weights [B, T] that sum to the mean length; 0 when the mask is empty.
struct sequence_mean_token_sum {
    template <class Array>
    constexpr Array operator()(Array const& mask) const {
        return mask / max(sum(min(row_sum(mask), 1.0)), 1.0);
    }
};
static_assert(Aggregation<sequence_mean_token_sum>);

}  // namespace proximal
