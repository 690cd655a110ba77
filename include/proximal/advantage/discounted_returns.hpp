// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/concepts.hpp>
#include <proximal/knob.hpp>

namespace proximal {

/// What was really earned from each step on: Monte Carlo, no critic.
///
///     R̂[t] = r[t] + γ R̂[t+1],   R̂[T] = 0
///     Â[t] = R̂[t]
///
/// Source: Williams (1992); Sutton and Barto, Reinforcement Learning, 2nd edition, equation 3.9.
/// Departure: rewards count as 0 outside value_mask, as in gae.
///
/// Knob: gamma in [0, 1], 1.
/// Reads: rewards, value_mask [B, T]. Gives: advantages, returns [B, T].
struct discounted_returns {
    double gamma = 1.0;
    static constexpr auto knobs =
        reflect(knob<"gamma">(&discounted_returns::gamma, "discount of later rewards", between(0, 1)));

    template <class Array>
    constexpr experience<Array> operator()(rollout<Array> const& rollout) const {
        auto const step = [this](auto const& counts, auto const& reward) {
            return affine{select(counts, reward, 0.0), gamma};
        };
        auto const returns = reverse_scan(step, rollout.value_mask, rollout.rewards);  // [B, T]
        return {rollout, returns, returns};
    }
};
static_assert(AdvantageEstimator<discounted_returns>);

}  // namespace proximal
