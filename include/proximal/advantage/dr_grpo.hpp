// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/concepts.hpp>
#include <proximal/knob.hpp>
#include <proximal/response_level.hpp>

namespace proximal {

/// GRPO done right: the group's mean is taken off, and nothing is divided.
///
///     r[b] = Σₜ r[b, t]
///     Â[b, t] = r[b] − μ[b]   on response tokens, μ the mean of the row's group
///
/// Source: Liu et al., Understanding R1-Zero-Like Training: A Critical Perspective (2025), arXiv 2503.20783: GRPO's
/// division by σ favours prompts that are too easy or too hard. The paper's other half is the aggregation token_sum.
///
/// Knob: group_size, k ≥ 2, 8: each k rows in succession answer one prompt. Throws where k does not divide B.
/// Reads: rewards, value_mask, mask [B, T]. Gives: advantages, 0 outside mask; returns, r[b] over value_mask.
struct dr_grpo {
    int group_size = 8;
    static constexpr auto knobs =
        reflect(knob<"group_size">(&dr_grpo::group_size, "responses to each prompt", at_least(2)));

    /// Each prompt is answered so often.
    constexpr int responses_per_prompt() const { return group_size; }

    template <class Array>
    constexpr experience<Array> operator()(rollout<Array> const& rollout) const {
        Array const reward = response_reward(rollout);                    // [B]
        Array const advantage = reward - group_mean(reward, group_size);  // [B]
        return judged_by_response(rollout, advantage, reward);
    }
};
static_assert(AdvantageEstimator<dr_grpo>);

}  // namespace proximal
