// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/concepts.hpp>
#include <proximal/knob.hpp>

namespace proximal {

/// n rewards as they came, then the critic's word.
///
///     R̂[t] = Σ_{k<n} γᵏ r[t+k] + γⁿ V[t+n],   r and V beyond the response being 0
///     Â[t] = R̂[t] − V[t]
///
/// Source: Mnih et al., Asynchronous Methods for Deep Reinforcement Learning (2016), arXiv 1602.01783, section 4.
/// Departure: exactly n steps for every t, where A3C takes what is left of its segment.
///
/// Knobs: gamma in [0, 1], 1; n_step, n ≥ 1, 5. The member is called `steps` (see missing_eos_penalty). n = 1 gives the
/// TD error, n ≥ T the whole return. Costs n passes over [B, T].
/// Reads: rewards, values, value_mask [B, T]. Gives: advantages, returns [B, T]; both 0 outside value_mask.
struct n_step {
    double gamma = 1.0;
    int steps = 5;
    static constexpr auto knobs =
        reflect(knob<"gamma">(&n_step::gamma, "discount of later rewards", between(0, 1)),
                knob<"n_step">(&n_step::steps, "rewards counted before the critic is asked", at_least(1)));

    template <class Array>
    constexpr experience<Array> operator()(rollout<Array> const& rollout) const {
        Array const values = select(rollout.value_mask, rollout.values, 0.0);    // [B, T]
        Array const rewards = select(rollout.value_mask, rollout.rewards, 0.0);  // [B, T]
        Array returns = values;
        for (int k = 0; k < steps; ++k) returns = rewards + gamma * next_step(returns);
        return {rollout, returns - values, returns};
    }
};
static_assert(AdvantageEstimator<n_step>);

}  // namespace proximal
