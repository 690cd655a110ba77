// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/concepts.hpp>
#include <proximal/knob.hpp>
#include <proximal/response_level.hpp>

namespace proximal {

/// Reward minus what the other responses to the same prompt earned on average: leave one out.
///
///     r[b] = Σₜ r[b, t]
///     Â[b, t] = r[b] − mean of the group's other r = k/(k − 1) (r[b] − μ[b])   on response tokens
///
/// Source: Kool et al. (2019), Buy 4 REINFORCE Samples, Get a Baseline for Free!; Ahmadian et al., Back to Basics
/// (2024), arXiv 2402.14740, equation 8.
///
/// Knob: group_size, k ≥ 2, 8: each k rows in succession answer one prompt. Throws where k does not divide B.
/// Reads: rewards, value_mask, mask [B, T]. Gives: advantages, 0 outside mask; returns, r[b] over value_mask.
struct rloo {
    int group_size = 8;
    static constexpr auto knobs =
        reflect(knob<"group_size">(&rloo::group_size, "responses to each prompt", at_least(2)));

    /// Each prompt is answered so often.
    constexpr int responses_per_prompt() const { return group_size; }

    template <class Array>
    constexpr experience<Array> operator()(rollout<Array> const& rollout) const {
        Array const reward = response_reward(rollout);  // [B]
        auto const k = static_cast<double>(group_size);
        Array const advantage = k / (k - 1.0) * (reward - group_mean(reward, group_size));  // [B]
        return judged_by_response(rollout, advantage, reward);
    }
};
static_assert(AdvantageEstimator<rloo>);

}  // namespace proximal
