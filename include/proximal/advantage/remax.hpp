// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/advantage/discounted_returns.hpp>

namespace proximal {

/// Returns to go, minus what a greedy response to the same prompt scores.
///
///     R̂[t] = r[t] + γ R̂[t+1],   R̂[T] = 0
///     Â[b, t] = R̂[b, t] − baseline_score[b]   on response tokens
///
/// Source: Li et al., ReMax: A Simple, Effective, and Efficient Reinforcement Learning Method for Aligning Large
/// Language
/// Models (2024), arXiv 2310.10505, algorithm 2. No critic; a second, greedy generation for every prompt.
///
/// Knob: gamma in [0, 1], 1, the paper's.
/// Reads: rewards, value_mask, mask [B, T], baseline_scores [B]. Gives: advantages, 0 outside mask; returns [B, T].
struct remax {
    double gamma = 1.0;
    static constexpr auto knobs = reflect(knob<"gamma">(&remax::gamma, "discount of later rewards", between(0, 1)));

    template <class Array>
    constexpr experience<Array> operator()(rollout<Array> const& rollout) const {
        Array const returns = discounted_returns{.gamma = gamma}(rollout).returns;  // [B, T]
        Array const baseline = spread(rollout.baseline_scores, rollout.mask);       // [B, T]
        return {rollout, select(rollout.mask, returns - baseline, 0.0), returns};
    }
};
static_assert(AdvantageEstimator<remax>);

}  // namespace proximal
