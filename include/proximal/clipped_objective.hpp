// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace proximal {

/// PPO's objective of one token, as a loss, and whether its clipped branch rules (0 or 1).
template <class Loss, class Rules>
struct clipped_objective_of {
    Loss loss;
    Rules clipped;
};

/// The larger of a token's loss at a ratio and at the clipped ratio: what every clipped policy loss ends in.
///
///     L = max(−Â ρ', −Â clip(ρ, 1 − ε_low, 1 + ε_high))
///
/// ρ' is ρ, or a bounded ρ (two_sided_clip). At a tie both branches take half of the gradient.
constexpr auto clipped_objective(auto const& advantage, auto const& bounded, auto const& ratio, double low,
                                 double high) {
    auto const unclipped = -advantage * bounded;
    auto const clipped = -advantage * clamp(ratio, 1 - low, 1 + high);
    auto const loss = max(unclipped, clipped);
    auto const rules = clipped > unclipped;
    return clipped_objective_of<decltype(max(unclipped, clipped)), decltype(clipped > unclipped)>{loss, rules};
}

}  // namespace proximal
