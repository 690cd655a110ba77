// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/concepts.hpp>
#include <proximal/importance/importance_ratio.hpp>
#include <proximal/knob.hpp>

namespace proximal {

/// The value of the action that was taken, from what another policy did afterwards: traces are cut, never stretched.
///
///     c[t] = λ min(π/μ, 1)
///     R̂[t] = r[t] + γ (V[t+1] + c[t+1] (R̂[t+1] − V[t+1]))
///     Â[t] = R̂[t] − V[t]
///
/// Source: Munos et al., Safe and Efficient Off-Policy Reinforcement Learning (2016), arXiv 1606.02647, equation 4;
/// rlax's retrace_continuous.
/// Departure: a critic of states stands for Q(s, a) as well. R̂ estimates Q of the action taken, so unlike in v_trace
/// the first action is not weighted: as the target of V it is right only where μ is near π, where it is gae.
///
/// Knobs: gamma and lam in [0, 1], 1 and 0.95.
/// Reads: logprobs, behaviour_logprobs, rewards, values, mask, value_mask [B, T]. Gives: advantages, returns [B, T];
/// both 0 outside value_mask.
struct retrace {
    double gamma = 1.0;
    double lam = 0.95;
    static constexpr auto knobs =
        reflect(knob<"gamma">(&retrace::gamma, "discount of later rewards", between(0, 1)),
                knob<"lam">(&retrace::lam, "0: one-step bootstrap, 1: whole return", between(0, 1)));

    template <class Array>
    constexpr experience<Array> operator()(rollout<Array> const& rollout) const {
        Array const values = select(rollout.value_mask, rollout.values, 0.0);      // [B, T]
        Array const rewards = select(rollout.value_mask, rollout.rewards, 0.0);    // [B, T]
        Array const trace = next_step(lam * min(importance_ratio(rollout), 1.0));  // [B, T] c[t+1]
        auto const step = [this](auto const& reward, auto const& next_value, auto const& trace) {
            return affine{reward + gamma * (1.0 - trace) * next_value, gamma * trace};
        };
        Array const returns = reverse_scan(step, rewards, next_step(values), trace);
        return {rollout, returns - values, returns};
    }
};
static_assert(AdvantageEstimator<retrace>);

}  // namespace proximal
