// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/concepts.hpp>
#include <proximal/knob.hpp>

namespace proximal {

/// Leaves out the groups whose responses all scored the same: they teach nothing, and would dilute those that do.
///
///     mask[b, t] ← 0, value_mask[b, t] ← 0   where the scores of b's group are all equal
///
/// Rows stay in their places: what they hold is padding from here on, so they count in no mean.
/// Source: Yu et al., DAPO (2025), arXiv 2503.14476, section 3.2 (Dynamic Sampling).
/// Departure: no others are sampled in their stead, so an update's batch is smaller. Scores are compared exactly.
///
/// Knob: group_size, k ≥ 2, 8: each k rows in succession answer one prompt. Throws where k does not divide B.
/// Reads: scores. Writes: mask, value_mask [B, T]. Stands first, before a penalty that differs by response gives a
/// group spread: chain(drop_flat_groups{8}, overlong_penalty{}, terminal_score{}).
struct drop_flat_groups {
    int group_size = 8;
    static constexpr auto knobs =
        reflect(knob<"group_size">(&drop_flat_groups::group_size, "responses to each prompt", at_least(2)));

    /// Each prompt is answered so often.
    constexpr int responses_per_prompt() const { return group_size; }

    template <class Array>
    constexpr rollout<Array> operator()(rollout<Array> rollout) const {
        Array const kept = spread(Array(group_range(rollout.scores, group_size) > 0.0), rollout.mask);  // [B, T]
        rollout.mask = kept * rollout.mask;
        rollout.value_mask = kept * rollout.value_mask;
        return rollout;
    }
};
static_assert(RewardShaper<drop_flat_groups>);

}  // namespace proximal
