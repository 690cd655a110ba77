// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/clipped_objective.hpp>
#include <proximal/concepts.hpp>
#include <proximal/knob.hpp>
#include <proximal/sequence.hpp>

namespace proximal {

/// The clipped surrogate over whole responses: one importance ratio each, the geometric mean of its tokens'.
///
///     s = exp((1/ℓ) Σₜ log ρ[t])
///     L = max(−Â s, −Â clip(s, 1 − ε_low, 1 + ε_high))
///
/// Source: Zheng et al., Group Sequence Policy Optimization (2025), arXiv 2507.18071, equations 5 to 7; with advantages
/// that differ by token it is the paper's GSPO-token.
/// Departure: per token and negated, as clipped_surrogate. The paper's aggregation is sequence_mean_token_mean.
///
/// Knobs: cliprange_low in [0, 1], cliprange_high > 0; 3e-4 and 4e-4 are the paper's: s moves far less than ρ does.
/// Reads: log_ratio, sequence_mean, advantage. Metrics: loss/policy_avg; policy/clipfrac_avg.
struct gspo {
    double cliprange_low = 3e-4;
    double cliprange_high = 4e-4;
    static constexpr auto knobs =
        reflect(knob<"cliprange_low">(&gspo::cliprange_low, "how far the ratio may fall below 1", between(0, 1)),
                knob<"cliprange_high">(&gspo::cliprange_high, "how far the ratio may rise above 1", above(0)));

    /// The log-ratio.
    constexpr auto averaged(Token auto const& token) const { return token.log_ratio; }

    constexpr auto operator()(Token auto const& token) const {
        auto const ratio = exp(sequence_mean(token, averaged(token)));
        auto const [loss, clipped] = clipped_objective(token.advantage, ratio, ratio, cliprange_low, cliprange_high);
        return with(loss, metric<"loss/policy_avg">(loss), metric<"policy/clipfrac_avg">(clipped));
    }
};
static_assert(TokenLoss<gspo> && SequenceLevel<gspo>);

}  // namespace proximal
