// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/concepts.hpp>
#include <proximal/knob.hpp>
#include <proximal/response_level.hpp>

namespace proximal {

/// Rewards standardised within the responses to the same prompt.
///
///     r[b] = Σₜ r[b, t]
///     Â[b, t] = (r[b] − μ[b]) / (σ[b] + 1e-4)   on response tokens, μ and σ those of the row's group
///
/// Source: Shao et al., DeepSeekMath (2024), arXiv 2402.03300, section 4.1.2 (outcome supervision).
/// Departure: σ is unbiased and ε stands outside the root, as in TRL; the paper has no ε. A group without spread gets
/// 0.
///
/// Knob: group_size, k ≥ 2; 8 is TRL's: each k rows in succession answer one prompt. Throws where k does not divide B.
/// Reads: rewards, value_mask, mask [B, T]. Gives: advantages, 0 outside mask; returns, r[b] over value_mask.
struct grpo {
    int group_size = 8;
    static constexpr auto knobs =
        reflect(knob<"group_size">(&grpo::group_size, "responses to each prompt", at_least(2)));

    /// Each prompt is answered so often.
    constexpr int responses_per_prompt() const { return group_size; }

    template <class Array>
    constexpr experience<Array> operator()(rollout<Array> const& rollout) const {
        Array const reward = response_reward(rollout);  // [B]
        Array const centred = reward - group_mean(reward, group_size);
        auto const k = static_cast<double>(group_size);
        Array const variance = k / (k - 1.0) * group_mean(square(centred), group_size);
        Array const advantage = centred / (sqrt(variance) + 1e-4);  // [B]
        return judged_by_response(rollout, advantage, reward);
    }
};
static_assert(AdvantageEstimator<grpo>);

}  // namespace proximal
