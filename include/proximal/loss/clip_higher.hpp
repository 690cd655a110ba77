// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/clipped_objective.hpp>
#include <proximal/concepts.hpp>
#include <proximal/knob.hpp>

namespace proximal {

/// The clipped surrogate with two ranges: unlikely tokens may rise further than likely ones may fall.
///
///     L = max(−Â ρ, −Â clip(ρ, 1 − ε_low, 1 + ε_high))
///
/// Source: Yu et al., DAPO: An Open-Source LLM Reinforcement Learning System at Scale (2025), arXiv 2503.14476,
/// section 3.1 (Clip-Higher).
/// Departure: per token and negated, as clipped_surrogate, which this is where the two ranges are equal.
///
/// Knobs: cliprange_low in [0, 1], cliprange_high > 0; 0.2 and 0.28 are the paper's.
/// Reads: log_ratio, advantage. Metrics: loss/policy_avg; policy/clipfrac_avg.
struct clip_higher {
    double cliprange_low = 0.2;
    double cliprange_high = 0.28;
    static constexpr auto knobs =
        reflect(knob<"cliprange_low">(&clip_higher::cliprange_low, "how far the ratio may fall below 1", between(0, 1)),
                knob<"cliprange_high">(&clip_higher::cliprange_high, "how far the ratio may rise above 1", above(0)));

    constexpr auto operator()(Token auto const& token) const {
        auto const ratio = exp(token.log_ratio);
        auto const [loss, clipped] = clipped_objective(token.advantage, ratio, ratio, cliprange_low, cliprange_high);
        return with(loss, metric<"loss/policy_avg">(loss), metric<"policy/clipfrac_avg">(clipped));
    }
};
static_assert(TokenLoss<clip_higher>);

}  // namespace proximal
