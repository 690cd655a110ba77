// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/concepts.hpp>
#include <proximal/control/running_moments.hpp>

namespace proximal {

/// Scores in units of their own deviation over the run: the sign, and what 0 means, stay.
///
///     s ← s / (σ + 1e-8),   σ over every score seen, this batch's included
///
/// Source: TRL's use_score_scaling (PPO v1).
/// The part learns: evaluate_and_adapt() shows it each batch first, evaluate() leaves it as it is. Before the first
/// batch it changes nothing.
///
/// Reads: scores. Writes: scores [B]. Stands before terminal_score in a chain.
struct running_scaling {
    running_moments seen{};

    /// Learns from the scores of a batch as they reach this part.
    template <class Array>
    void absorb(rollout<Array> const& rollout) {
        seen.absorb(rollout.scores);
    }

    /// Shows an archive the scores' moments so far.
    template <class Archive>
    constexpr void visit_state(Archive& archive) {
        seen.visit_state(archive);
    }

    template <class Array>
    constexpr rollout<Array> operator()(rollout<Array> rollout) const {
        rollout.scores = rollout.scores / (seen.deviation() + 1e-8);
        return rollout;
    }
};
static_assert(RewardShaper<running_scaling>);

}  // namespace proximal
