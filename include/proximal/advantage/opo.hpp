// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/concepts.hpp>
#include <proximal/knob.hpp>
#include <proximal/response_level.hpp>

namespace proximal {

/// Reward minus the group's mean weighted by length: the baseline of least variance, where the gradient's size grows as
/// the length does.
///
///     r[b] = Σₜ r[b, t],   ℓ[b] = the number of response tokens
///     Â[b, t] = r[b] − Σ ℓ r / Σ ℓ   on response tokens, the sums over the row's group
///
/// Source: Hao et al., On-Policy RL with Optimal Reward Baseline (2025), arXiv 2505.23585.
///
/// Knob: group_size, k ≥ 2, 8: each k rows in succession answer one prompt. Throws where k does not divide B.
/// Reads: rewards, value_mask, mask [B, T]. Gives: advantages, 0 outside mask; returns, r[b] over value_mask.
struct opo {
    int group_size = 8;
    static constexpr auto knobs =
        reflect(knob<"group_size">(&opo::group_size, "responses to each prompt", at_least(2)));

    /// Each prompt is answered so often.
    constexpr int responses_per_prompt() const { return group_size; }

    template <class Array>
    constexpr experience<Array> operator()(rollout<Array> const& rollout) const {
        Array const reward = response_reward(rollout);                  // [B]
        Array const length = row_sum(rollout.mask);                     // [B]
        Array const centred = reward - group_mean(reward, group_size);  // so that equal rewards give exactly 0
        Array const baseline = group_mean(length * centred, group_size) / max(group_mean(length, group_size), 1e-8);
        return judged_by_response(rollout, Array(centred - baseline), reward);
    }
};
static_assert(AdvantageEstimator<opo>);

}  // namespace proximal
