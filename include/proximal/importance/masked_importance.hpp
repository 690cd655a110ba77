// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/concepts.hpp>
#include <proximal/importance/importance_ratio.hpp>
#include <proximal/knob.hpp>

namespace proximal {

/// Weighs every token as truncated_importance does, and drops those on which policy and sampler disagree too far.
///
///     Â ← w Â where low ≤ w ≤ high,   0 elsewhere
///
/// Source: Ling team, Every Step Evolves: Scaling Reinforcement Learning for Trillion-Scale Thinking Model (IcePop,
/// 2025), arXiv 2510.18855; OpenRLHF's icepop. A dropped token still counts in the denominators.
///
/// Knobs: importance_low in [0, 1], 0.5; importance_high > 0, 5; the paper's. The members are called `low`, `high`.
/// Reads: logprobs, behaviour_logprobs, mask. Writes: advantages [B, T]. Stands last, after whiten.
struct masked_importance {
    double low = 0.5;
    double high = 5.0;
    static constexpr auto knobs =
        reflect(knob<"importance_low">(&masked_importance::low, "weight below which a token is dropped", between(0, 1)),
                knob<"importance_high">(&masked_importance::high, "weight above which a token is dropped", above(0)));

    template <class Array>
    constexpr experience<Array> operator()(experience<Array> experience) const {
        Array const ratio = importance_ratio(experience);  // [B, T]
        Array const kept = experience.mask * (ratio >= low) * (ratio <= high);
        experience.advantages = select(kept, ratio * experience.advantages, 0.0);
        return experience;
    }
};
static_assert(ExperienceRefinement<masked_importance>);

}  // namespace proximal
