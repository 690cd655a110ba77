// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/concepts.hpp>
#include <proximal/knob.hpp>

namespace proximal {

/// Returns that believe the critic as much as 1 − λ says, step by step.
///
///     R̂[t] = r[t] + γ ((1 − λ) V[t+1] + λ R̂[t+1]),   R̂[T] = V[T] = 0
///     Â[t] = R̂[t] − V[t]
///
/// Source: Sutton and Barto, Reinforcement Learning, 2nd edition, equation 12.20; rlax's lambda_returns.
/// The same numbers as gae up to rounding: there the advantage is the recurrence, here the return.
///
/// Knobs: gamma and lam in [0, 1], 1 and 0.95.
/// Reads: rewards, values, value_mask [B, T]. Gives: advantages, returns [B, T]; both 0 outside value_mask.
struct lambda_returns {
    double gamma = 1.0;
    double lam = 0.95;
    static constexpr auto knobs =
        reflect(knob<"gamma">(&lambda_returns::gamma, "discount of later rewards", between(0, 1)),
                knob<"lam">(&lambda_returns::lam, "0: one-step bootstrap, 1: whole return", between(0, 1)));

    template <class Array>
    constexpr experience<Array> operator()(rollout<Array> const& rollout) const {
        auto const values = select(rollout.value_mask, rollout.values, 0.0);  // [B, T]
        auto const step = [this](auto const& counts, auto const& reward, auto const& next_value) {
            return affine{select(counts, reward, 0.0) + gamma * (1.0 - lam) * next_value, gamma * lam};
        };
        auto const returns = reverse_scan(step, rollout.value_mask, rollout.rewards, next_step(values));
        return {rollout, returns - values, returns};
    }
};
static_assert(AdvantageEstimator<lambda_returns>);

}  // namespace proximal
