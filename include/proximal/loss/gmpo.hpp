// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/concepts.hpp>
#include <proximal/knob.hpp>
#include <proximal/sequence.hpp>

namespace proximal {

/// The geometric mean of a response's ratios, each token's clipped on the side where it would be pushed further.
///
///     x[t] = min(log ρ[t], clip(log ρ[t], −ε_low, ε_high)) where Â > 0,   max of the two elsewhere
///     L    = −Â exp((1/ℓ) Σₜ x[t])
///
/// Source: Zhao et al., Geometric-Mean Policy Optimization (2025), arXiv 2507.20673, equation 4.
/// Departure: per token; a response's tokens have one advantage, as group estimators give. The paper's aggregation is
/// sequence_mean_token_mean.
///
/// Knobs: cliprange_low and cliprange_high > 0, both of the log-ratio; 0.4 is the paper's, for ratios in (e⁻⁰·⁴, e⁰·⁴).
/// Reads: log_ratio, sequence_mean, advantage.
/// Metrics: loss/policy_avg; policy/clipfrac_avg, the share of tokens whose log-ratio was clipped.
struct gmpo {
    double cliprange_low = 0.4;
    double cliprange_high = 0.4;
    static constexpr auto knobs =
        reflect(knob<"cliprange_low">(&gmpo::cliprange_low, "how far a bad token's log-ratio may fall", above(0)),
                knob<"cliprange_high">(&gmpo::cliprange_high, "how far a good token's log-ratio may rise", above(0)));

    /// The log-ratio, clipped on the side where the token would be pushed further.
    constexpr auto averaged(Token auto const& token) const {
        auto const clipped = clamp(token.log_ratio, -cliprange_low, cliprange_high);
        return select(token.advantage > 0.0, min(token.log_ratio, clipped), max(token.log_ratio, clipped));
    }

    constexpr auto operator()(Token auto const& token) const {
        auto const kept = averaged(token);
        auto const loss = -token.advantage * exp(sequence_mean(token, kept));
        return with(loss, metric<"loss/policy_avg">(loss),
                    metric<"policy/clipfrac_avg">((kept > token.log_ratio) + (kept < token.log_ratio)));
    }
};
static_assert(TokenLoss<gmpo> && SequenceLevel<gmpo>);

}  // namespace proximal
