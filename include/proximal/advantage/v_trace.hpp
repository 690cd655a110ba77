// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/concepts.hpp>
#include <proximal/importance/importance_ratio.hpp>
#include <proximal/knob.hpp>

namespace proximal {

/// Returns and advantages of the policy from what another policy sampled, with truncated importance weights.
///
///     w = π/μ,   c[t] = λ min(w[t], 1)
///     δ[t] = min(w[t], ρ̄) (r[t] + γ V[t+1] − V[t])
///     R̂[t] = V[t] + δ[t] + γ c[t] (R̂[t+1] − V[t+1])
///     Â[t] = min(w[t], ρ̄_pg) (r[t] + γ (λ R̂[t+1] + (1 − λ) V[t+1]) − V[t])
///
/// Source: Espeholt et al., IMPALA (2018), arXiv 1802.01561, equation 1 and section 4.2, with the λ of its remark 2;
/// rlax's vtrace_td_error_and_advantage. Where μ = π it is gae.
/// Departure: rewards and values count as 0 outside value_mask, as in gae.
///
/// Knobs: gamma and lam in [0, 1], 1 and 0.95; clip_rho (ρ̄) and clip_pg_rho (ρ̄_pg) > 0, both 1, the paper's.
/// Reads: logprobs, behaviour_logprobs, rewards, values, mask, value_mask [B, T]. Gives: advantages, returns [B, T];
/// both 0 outside value_mask.
struct v_trace {
    double gamma = 1.0;
    double lam = 0.95;
    double clip_rho = 1.0;
    double clip_pg_rho = 1.0;
    static constexpr auto knobs =
        reflect(knob<"gamma">(&v_trace::gamma, "discount of later rewards", between(0, 1)),
                knob<"lam">(&v_trace::lam, "0: one-step bootstrap, 1: whole return", between(0, 1)),
                knob<"clip_rho">(&v_trace::clip_rho, "cap of the weight of a temporal difference", above(0)),
                knob<"clip_pg_rho">(&v_trace::clip_pg_rho, "cap of the weight of an advantage", above(0)));

    template <class Array>
    constexpr experience<Array> operator()(rollout<Array> const& rollout) const {
        Array const ratio = importance_ratio(rollout);
        return corrected(rollout, min(ratio, 1.0), min(ratio, clip_rho), min(ratio, clip_pg_rho));
    }

    /// The same with weights of your own, [B, T] each: of the trace (c, before λ), of δ and of Â.
    template <class Array>
    constexpr experience<Array> corrected(rollout<Array> const& rollout, Array const& trace, Array const& rho,
                                          Array const& pg_rho) const {
        Array const values = select(rollout.value_mask, rollout.values, 0.0);    // [B, T]
        Array const rewards = select(rollout.value_mask, rollout.rewards, 0.0);  // [B, T]
        auto const step = [this](auto const& reward, auto const& value, auto const& next_value, auto const& trace,
                                 auto const& rho) {
            return affine{rho * (reward + gamma * next_value - value), gamma * lam * trace};
        };
        Array const returns = values + reverse_scan(step, rewards, values, next_step(values), trace, rho);
        Array const later = lam * next_step(returns) + (1.0 - lam) * next_step(values);
        return {rollout, pg_rho * (rewards + gamma * later - values), returns};
    }
};
static_assert(AdvantageEstimator<v_trace>);

}  // namespace proximal
