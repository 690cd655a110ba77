// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/composer.hpp>
#include <proximal/concepts.hpp>
#include <proximal/whitening/of_group.hpp>
#include <proximal/whitening/whitened.hpp>

namespace proximal {

/// Whitens the rewards, with every choice that stacks differ in said by name.
///
///     r ← (r − μ) / √(σ² + 1e-8) + centre(μ)   over value_mask, and 0 outside it
///
/// whiten_rewards, TRL's, is standardise_rewards<of_batch, kept_mean, unbiased>.
///
/// Knobs: the scope's (of_group's group_size); the scope is the member `part`.
/// Reads: value_mask. Writes: rewards [B, T]. Stands last among the shapers. Where a scope's mask counts one step
/// alone, σ² is 0.
template <class Scope = of_batch, class Centre = kept_mean, class Variance = unbiased>
struct standardise_rewards {
    static constexpr bool rescales_rewards = true;  // see compose/charges.hpp

    Scope part{};
    static constexpr auto composes = composed_of(&standardise_rewards::part);

    template <class Array>
    constexpr rollout<Array> operator()(rollout<Array> rollout) const {
        rollout.rewards = whitened<Centre, Variance>(rollout.rewards, rollout.value_mask, part);
        return rollout;
    }
};
static_assert(RewardShaper<standardise_rewards<>> && RewardShaper<standardise_rewards<of_group, zero_mean, biased>>);

}  // namespace proximal
