// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/clipped_objective.hpp>
#include <proximal/concepts.hpp>
#include <proximal/knob.hpp>

namespace proximal {

/// The clipped surrogate with a cap on the ratio itself, so that a bad token that became likely cannot explode.
///
///     ρ' = min(ρ, δ)
///     L  = max(−Â ρ', −Â clip(ρ, 1 − ε_low, 1 + ε_high))
///
/// Source: Prime Intellect, INTELLECT-2 (2025), arXiv 2505.07291; TRL's GRPO `delta`.
/// Departure: the cap passes the gradient at δ exactly, as TRL's clamp does.
///
/// Knobs: cliprange_low in [0, 1], cliprange_high > 0, both 0.2; delta, δ > 1, which should exceed 1 + ε_high; 4 is the
/// paper's.
/// Reads: log_ratio, advantage. Metrics: loss/policy_avg; policy/clipfrac_avg.
struct two_sided_clip {
    double cliprange_low = 0.2;
    double cliprange_high = 0.2;
    double delta = 4.0;
    static constexpr auto knobs = reflect(
        knob<"cliprange_low">(&two_sided_clip::cliprange_low, "how far the ratio may fall below 1", between(0, 1)),
        knob<"cliprange_high">(&two_sided_clip::cliprange_high, "how far the ratio may rise above 1", above(0)),
        knob<"delta">(&two_sided_clip::delta, "cap of the ratio, above 1 + cliprange_high", above(1)));

    constexpr auto operator()(Token auto const& token) const {
        auto const ratio = exp(token.log_ratio);
        auto const [loss, clipped] =
            clipped_objective(token.advantage, clamp(ratio, 0.0, delta), ratio, cliprange_low, cliprange_high);
        return with(loss, metric<"loss/policy_avg">(loss), metric<"policy/clipfrac_avg">(clipped));
    }
};
static_assert(TokenLoss<two_sided_clip>);

}  // namespace proximal
