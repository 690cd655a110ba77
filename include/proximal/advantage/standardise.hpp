// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/composer.hpp>
#include <proximal/concepts.hpp>
#include <proximal/whitening/of_group.hpp>
#include <proximal/whitening/whitened.hpp>

namespace proximal {

/// Whitens the advantages, with every choice that stacks differ in said by name.
///
///     Â ← (Â − μ) / √(σ² + 1e-8) + centre(μ)   over mask, and 0 outside it
///
/// | part                                                | whose                                                 |
/// |-----------------------------------------------------|-------------------------------------------------------|
/// | whiten = standardise<of_batch, zero_mean, unbiased> | TRL's                                                 |
/// | standardise<of_batch, zero_mean, biased>            | Huang et al. (2024), arXiv 2403.17031; OpenRLHF's     |
/// | standardise<of_batch, kept_mean, unbiased>          | torchtune's, which adds the mean back                 |
/// | standardise<of_group, zero_mean, unbiased>          | by prompt, as GRPO's rewards, but over tokens         |
///
/// Knobs: the scope's (of_group's group_size); the scope is the member `part`.
/// Reads: mask. Writes: advantages [B, T]. Stands after an estimator. Where a scope's mask counts one token alone,
/// σ² is 0.
template <class Scope = of_batch, class Centre = zero_mean, class Variance = unbiased>
struct standardise {
    Scope part{};
    static constexpr auto composes = composed_of(&standardise::part);

    template <class Array>
    constexpr experience<Array> operator()(experience<Array> experience) const {
        experience.advantages = whitened<Centre, Variance>(experience.advantages, experience.mask, part);
        return experience;
    }
};
static_assert(ExperienceRefinement<standardise<>> && ExperienceRefinement<standardise<of_group, kept_mean, biased>>);

}  // namespace proximal
