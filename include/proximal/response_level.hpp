// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/array.hpp>
#include <proximal/rollout.hpp>

namespace proximal {

/// What a response earned: r[b] = Σₜ r[b, t] over value_mask. [B]
template <class Array>
constexpr Array response_reward(rollout<Array> const& rollout) {
    return row_sum(select(rollout.value_mask, rollout.rewards, 0.0));
}

/// The experience of an estimator that judges whole responses: every token of a response has its advantage [B], 0
/// outside mask, and its return is what the response earned [B], over value_mask.
template <class Array>
constexpr experience<Array> judged_by_response(rollout<Array> const& rollout, Array const& advantage,
                                               Array const& reward) {
    return {rollout, select(rollout.mask, spread(advantage, rollout.mask), 0.0),
            select(rollout.value_mask, spread(reward, rollout.mask), 0.0)};
}

}  // namespace proximal
