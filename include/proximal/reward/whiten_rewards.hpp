// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/concepts.hpp>
#include <proximal/whitening/whitened.hpp>

namespace proximal {

/// Scales the rewards of a batch to variance 1, and leaves their mean where it was.
///
///     r ← (r − μ) / √(σ² + 1e-8) + μ   over value_mask, and 0 outside it
///
/// Source: TRL's `whiten_rewards` (masked_whiten with shift_mean = False).
/// Departure: σ² is unbiased and ε stands inside the root, as there. value_mask, not mask, since the score lands one
/// step after the response. The batch is what is passed in: one rank's local batch.
///
/// Reads: value_mask. Writes: rewards [B, T]. Stands last among the shapers. A mask with a single 1 has no variance:
/// NaN.
struct whiten_rewards {
    static constexpr bool rescales_rewards = true;  // see compose/charges.hpp

    template <class Array>
    constexpr rollout<Array> operator()(rollout<Array> rollout) const {
        rollout.rewards = whitened<kept_mean, unbiased>(rollout.rewards, rollout.value_mask);
        return rollout;
    }
};
static_assert(RewardShaper<whiten_rewards>);

}  // namespace proximal
