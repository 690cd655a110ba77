// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/concepts.hpp>
#include <proximal/knob.hpp>

namespace proximal {

/// Every response token costs.
///
///     s ← s − c · ℓ,   ℓ = the number of response tokens
///
/// Source: the plainest of the length penalties; Singhal et al., A Long Way to Go: Investigating Length Correlations in
/// RLHF (2023), arXiv 2310.03716, study why one is wanted.
///
/// Knob: length_penalty, c ≥ 0 per token, 0.01. The member is called `per_token` (see missing_eos_penalty).
/// Reads: scores, mask. Writes: scores [B]. Stands before terminal_score in a chain.
struct length_penalty {
    double per_token = 0.01;
    static constexpr auto knobs =
        reflect(knob<"length_penalty">(&length_penalty::per_token, "subtracted from the score per token", at_least(0)));

    template <class Array>
    constexpr rollout<Array> operator()(rollout<Array> rollout) const {
        rollout.scores = rollout.scores - per_token * row_sum(rollout.mask);
        return rollout;
    }
};
static_assert(RewardShaper<length_penalty>);

}  // namespace proximal
