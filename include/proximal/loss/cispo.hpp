// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/concepts.hpp>
#include <proximal/knob.hpp>

namespace proximal {

/// REINFORCE with a clipped importance weight: every token keeps a gradient, however far its ratio went.
///
///     L = −sg[clip(ρ, 1 − ε_low, 1 + ε_high)] Â log π(a|s),   sg: no gradient
///
/// Source: MiniMax, MiniMax-M1: Scaling Test-Time Compute Efficiently with Lightning Attention (2025),
/// arXiv 2506.13585, section 3.1.
/// Departure: the paper sets ε_low so large that it never acts; here 1 does, since ρ > 0.
///
/// Knobs: cliprange_low in [0, 1], 1; cliprange_high > 0, 0.2.
/// Reads: log_ratio, logprob, advantage.
/// Metrics: loss/policy_avg; policy/clipfrac_avg, the share of tokens whose weight was clipped.
struct cispo {
    double cliprange_low = 1.0;
    double cliprange_high = 0.2;
    static constexpr auto knobs =
        reflect(knob<"cliprange_low">(&cispo::cliprange_low, "how far the weight may fall below 1", between(0, 1)),
                knob<"cliprange_high">(&cispo::cliprange_high, "how far the weight may rise above 1", above(0)));

    constexpr auto operator()(Token auto const& token) const {
        auto const ratio = detach(exp(token.log_ratio));
        auto const weight = clamp(ratio, 1 - cliprange_low, 1 + cliprange_high);
        auto const loss = -token.advantage * weight * token.logprob;
        return with(loss, metric<"loss/policy_avg">(loss),
                    metric<"policy/clipfrac_avg">((ratio > weight) + (ratio < weight)));
    }
};
static_assert(TokenLoss<cispo>);

}  // namespace proximal
