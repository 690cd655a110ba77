// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/array.hpp>
#include <proximal/rollout.hpp>

namespace proximal {

/// A rollout whose rewards have each response's score added at the last step that a mask counts; where a row of the
/// mask counts nothing, nothing is paid.
template <class Array>
constexpr rollout<Array> paid_at_last_step(rollout<Array> rollout, Array const& mask) {
    auto const paid = select(last_step(mask), spread(rollout.scores, rollout.rewards), 0.0);  // [B, T]
    rollout.rewards = rollout.rewards + paid;
    return rollout;
}

}  // namespace proximal
