// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/concepts.hpp>
#include <proximal/control/running_moments.hpp>

namespace proximal {

/// Scores against all scores so far: mean 0 and variance 1 over the run, whatever scale the reward model speaks in.
///
///     s ← (s − μ) / (σ + 1e-8),   μ and σ over every score seen, this batch's included
///
/// Source: TRL's use_score_norm (PPO v1), OpenRLHF's reward normalisation.
/// The part learns: evaluate_and_adapt() shows it each batch first, evaluate() leaves it as it is. Before the first
/// batch it changes nothing. ε: float's for TRL, fixed here.
///
/// Reads: scores. Writes: scores [B]. Stands before terminal_score in a chain.
struct running_normalisation {
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
        rollout.scores = (rollout.scores - seen.mean) / (seen.deviation() + 1e-8);
        return rollout;
    }
};
static_assert(RewardShaper<running_normalisation>);

}  // namespace proximal
