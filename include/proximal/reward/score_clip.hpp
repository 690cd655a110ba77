// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/concepts.hpp>
#include <proximal/knob.hpp>

namespace proximal {

/// Keeps the scores within bounds, so that one outlier cannot rule a batch.
///
///     s ← clip(s, −c, c)
///
/// Source: OpenRLHF's reward clip; Mnih et al., DQN (2015), clip rewards to ±1.
///
/// Knob: score_clip, c > 0; 10 is OpenRLHF's. The member is called `bound` (see missing_eos_penalty).
/// Reads: scores. Writes: scores [B]. Stands before terminal_score in a chain.
struct score_clip {
    double bound = 10.0;
    static constexpr auto knobs = reflect(knob<"score_clip">(&score_clip::bound, "largest absolute score", above(0)));

    template <class Array>
    constexpr rollout<Array> operator()(rollout<Array> rollout) const {
        rollout.scores = clamp(rollout.scores, -bound, bound);
        return rollout;
    }
};
static_assert(RewardShaper<score_clip>);

}  // namespace proximal
