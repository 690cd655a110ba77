// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/reward/standardise_rewards.hpp>

namespace proximal {

/// Scales the rewards of a batch to variance 1, and leaves their mean where it was.
///
///     r ← (r − μ) / √(σ² + 1e-8) + μ   over value_mask, and 0 outside it
///
/// Source: TRL's `whiten_rewards` (masked_whiten with shift_mean = False).
/// Departure: σ² is unbiased and ε stands inside the root, as there. value_mask, not mask, since the score lands one
/// step after the response. The batch is what is passed in: one rank's local batch.
///
/// Reads: value_mask. Writes: rewards [B, T]. Stands last among the shapers. With a single 1 in the mask, σ² is
/// 0: that reward stays, where TRL's is NaN.
struct whiten_rewards : standardise_rewards<of_batch, kept_mean, unbiased> {};
static_assert(RewardShaper<whiten_rewards>);

}  // namespace proximal
