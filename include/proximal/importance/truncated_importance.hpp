// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/concepts.hpp>
#include <proximal/importance/importance_ratio.hpp>
#include <proximal/knob.hpp>

namespace proximal {

/// Weighs every token by how much likelier the policy finds it than its sampler did, up to a bound.
///
///     Â ← min(w, C) Â,   w = π/μ   on response tokens, 0 elsewhere
///
/// Every policy loss here is homogeneous in Â, so a weight on Â is one on the token's loss.
/// Source: Espeholt et al., IMPALA (2018), arXiv 1802.01561, for the truncation; Yao et al., Your Efficient RL
/// Framework Secretly Brings You Off-Policy RL Training (TIS, 2025); OpenRLHF's and verl's rollout correction.
///
/// Knob: importance_cap, C > 0, 2. The member is called `cap`.
/// Reads: logprobs, behaviour_logprobs, mask. Writes: advantages [B, T]. Stands last, after whiten: a mean taken later
/// would shift what was weighted.
struct truncated_importance {
    double cap = 2.0;
    static constexpr auto knobs =
        reflect(knob<"importance_cap">(&truncated_importance::cap, "largest weight of an off-policy token", above(0)));

    template <class Array>
    constexpr experience<Array> operator()(experience<Array> experience) const {
        Array const weight = min(importance_ratio(experience), cap);  // [B, T]
        experience.advantages = select(experience.mask, weight * experience.advantages, 0.0);
        return experience;
    }
};
static_assert(ExperienceRefinement<truncated_importance>);

}  // namespace proximal
