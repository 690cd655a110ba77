// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/concepts.hpp>
#include <proximal/knob.hpp>
#include <proximal/response_level.hpp>

namespace proximal {

/// Group policy gradient: the group's mean taken off, and the batch scaled up for the groups that teach nothing.
///
///     r[b] = Σₜ r[b, t]
///     Â[b, t] = α (r[b] − μ[b])   on response tokens, α = B / rows in groups whose rewards differ
///
/// Source: Chu et al., GPG: A Simple and Strong Reinforcement Learning Baseline for Model Reasoning (2025),
/// arXiv 2504.02546, equation 6. Its loss is reinforce.
/// Departure: verl counts the rows whose reward is not 0 instead. Where no group has spread all advantages are 0.
///
/// Knob: group_size, k ≥ 2, 8: each k rows in succession answer one prompt. Throws where k does not divide B.
/// Reads: rewards, value_mask, mask [B, T]. Gives: advantages, 0 outside mask; returns, r[b] over value_mask.
struct gpg {
    int group_size = 8;
    static constexpr auto knobs =
        reflect(knob<"group_size">(&gpg::group_size, "responses to each prompt", at_least(2)));

    /// Each prompt is answered so often.
    constexpr int responses_per_prompt() const { return group_size; }

    template <class Array>
    constexpr experience<Array> operator()(rollout<Array> const& rollout) const {
        Array const reward = response_reward(rollout);                              // [B]
        Array const teaches = group_range(reward, group_size) > 0.0;                // [B]
        Array const scale = count(teaches) / max(sum(teaches), 1.0);                // []
        Array const advantage = scale * (reward - group_mean(reward, group_size));  // [B]
        return judged_by_response(rollout, advantage, reward);
    }
};
static_assert(AdvantageEstimator<gpg>);

}  // namespace proximal
