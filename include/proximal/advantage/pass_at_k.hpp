// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/concepts.hpp>
#include <proximal/knob.hpp>
#include <proximal/response_level.hpp>

namespace proximal {

/// GRPO for the best of k samples: only the best response of a group is rewarded, by how far it beats the next.
///
///     r[b] = Σₜ r[b, t]
///     Â[b, t] = max(r[b] − the best other r of the group, 0)   on response tokens
///
/// An unbiased gradient of the expected maximum of k samples, less a baseline that the best one does not enter.
/// Source: Tang et al., Optimizing Language Models for Inference Time Objectives Using RL (2025), arXiv 2503.19595;
/// verl's grpo_passk, which divides by the group's σ as well. Two best ones cancel: nobody is rewarded.
///
/// Knob: group_size, k ≥ 2, 8: each k rows in succession answer one prompt. Throws where k does not divide B.
/// Reads: rewards, value_mask, mask [B, T]. Gives: advantages, 0 outside mask; returns, r[b] over value_mask.
struct pass_at_k {
    int group_size = 8;
    static constexpr auto knobs =
        reflect(knob<"group_size">(&pass_at_k::group_size, "responses to each prompt", at_least(2)));

    /// Each prompt is answered so often.
    constexpr int responses_per_prompt() const { return group_size; }

    template <class Array>
    constexpr experience<Array> operator()(rollout<Array> const& rollout) const {
        Array const reward = response_reward(rollout);                                 // [B]
        Array const advantage = max(reward - max_of_others(reward, group_size), 0.0);  // [B]
        return judged_by_response(rollout, advantage, reward);
    }
};
static_assert(AdvantageEstimator<pass_at_k>);

}  // namespace proximal
