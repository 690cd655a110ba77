// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/concepts.hpp>
#include <proximal/knob.hpp>

namespace proximal {

/// A soft gate instead of a clip: a token's gradient fades as its ratio leaves 1, and never drops to nothing at once.
///
///     τ = τ_pos where Â > 0, τ_neg elsewhere
///     L = −Â (4/τ) σ(τ (ρ − 1))
///
/// At ρ = 1 the gradient is REINFORCE's, for every τ. A larger τ fades faster.
/// Source: Gao et al., Soft Adaptive Policy Optimization (2025), arXiv 2511.20347, equations 5 and 6.
///
/// Knobs: tau_pos and tau_neg > 0; 1 and 1.05 are the paper's.
/// Reads: log_ratio, advantage. Metric: loss/policy_avg.
struct sapo {
    double tau_pos = 1.0;
    double tau_neg = 1.05;
    static constexpr auto knobs =
        reflect(knob<"tau_pos">(&sapo::tau_pos, "sharpness of the gate of good tokens", above(0)),
                knob<"tau_neg">(&sapo::tau_neg, "sharpness of the gate of bad tokens", above(0)));

    constexpr auto operator()(Token auto const& token) const {
        auto const tau = select(token.advantage > 0.0, tau_pos, tau_neg);
        auto const loss = -token.advantage * (4.0 / tau) * sigmoid(tau * (exp(token.log_ratio) - 1.0));
        return with(loss, metric<"loss/policy_avg">(loss));
    }
};
static_assert(TokenLoss<sapo>);

}  // namespace proximal
