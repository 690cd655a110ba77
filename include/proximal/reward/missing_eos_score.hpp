// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/concepts.hpp>
#include <proximal/knob.hpp>

namespace proximal {

/// Gives a response that did not end itself one fixed score, whatever the reward model said.
///
///     s ← p   where the response holds no EOS
///
/// Source: Huang et al., The N+ Implementation Details of RLHF with PPO (2024), arXiv 2403.17031 (the EOS trick).
/// missing_eos_penalty subtracts instead, missing_eos_scale scales.
///
/// Knob: missing_eos_score, p; −1 is the paper's. The member is called `score` (see missing_eos_penalty).
/// Reads: scores, has_eos. Writes: scores [B]. Stands before terminal_score in a chain.
struct missing_eos_score {
    double score = -1.0;
    static constexpr auto knobs =
        reflect(knob<"missing_eos_score">(&missing_eos_score::score, "the score where no EOS came"));

    template <class Array>
    constexpr rollout<Array> operator()(rollout<Array> rollout) const {
        rollout.scores = select(rollout.has_eos, rollout.scores, score);
        return rollout;
    }
};
static_assert(RewardShaper<missing_eos_score>);

}  // namespace proximal
