// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/concepts.hpp>
#include <proximal/knob.hpp>

namespace proximal {

/// GAE over a mask with holes: time passes only on steps that count, as if the others were cut out.
///
///     t' = the next step after t that counts
///     Â[t] = r[t] + γ V[t'] − V[t] + γλ Â[t']   where t counts, 0 elsewhere
///     R̂[t] = Â[t] + V[t]
///
/// For responses interrupted by what the policy did not write: the results of tools, the words of a user.
/// Source: verl's compute_gae_advantage_return, which skips observation tokens.
/// Without holes it is gae. Costs a second scan, which carries V over the holes.
///
/// Knobs: gamma and lam in [0, 1], 1 and 0.95.
/// Reads: rewards, values, value_mask [B, T]. Gives: advantages, returns [B, T]; both 0 outside value_mask.
struct masked_gae {
    double gamma = 1.0;
    double lam = 0.95;
    static constexpr auto knobs =
        reflect(knob<"gamma">(&masked_gae::gamma, "discount of later rewards", between(0, 1)),
                knob<"lam">(&masked_gae::lam, "0: one-step bootstrap, 1: whole return", between(0, 1)));

    template <class Array>
    constexpr experience<Array> operator()(rollout<Array> const& rollout) const {
        auto const& counts = rollout.value_mask;
        auto const carry = [](auto const& counts, auto const& value) {
            return affine{select(counts, value, 0.0), 1.0 - counts};
        };
        auto const upcoming = next_step(reverse_scan(carry, counts, rollout.values));  // [B, T] V[t']
        auto const step = [this](auto const& counts, auto const& reward, auto const& value, auto const& next_value) {
            return affine{select(counts, reward + gamma * next_value - value, 0.0), select(counts, gamma * lam, 1.0)};
        };
        auto const carried = reverse_scan(step, counts, rollout.rewards, rollout.values, upcoming);
        auto const advantages = select(counts, carried, 0.0);
        return {rollout, advantages, select(counts, advantages + rollout.values, 0.0)};
    }
};
static_assert(AdvantageEstimator<masked_gae>);

}  // namespace proximal
