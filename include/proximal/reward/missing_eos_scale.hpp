// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/concepts.hpp>
#include <proximal/knob.hpp>

namespace proximal {

/// Scales the score of a response that did not end itself.
///
///     s ← c · s   where the response holds no EOS
///
/// Source: OpenRLHF's stop-properly penalty.
/// A factor below 1 punishes only where scores are positive: a negative score it improves.
///
/// Knob: missing_eos_scale, c in [0, 1], 0. The member is called `scale` (see missing_eos_penalty).
/// Reads: scores, has_eos. Writes: scores [B]. Stands before terminal_score in a chain.
struct missing_eos_scale {
    double scale = 0.0;
    static constexpr auto knobs = reflect(
        knob<"missing_eos_scale">(&missing_eos_scale::scale, "factor of the score where no EOS came", between(0, 1)));

    template <class Array>
    constexpr rollout<Array> operator()(rollout<Array> rollout) const {
        rollout.scores = select(rollout.has_eos, rollout.scores, scale * rollout.scores);
        return rollout;
    }
};
static_assert(RewardShaper<missing_eos_scale>);

}  // namespace proximal
