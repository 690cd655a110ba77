// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/concepts.hpp>
#include <proximal/paid_at_last_step.hpp>

namespace proximal {

/// Pays the reward model's score on the last response token itself: the EOS, where there is one.
///
///     r[b, t*] ← r[b, t*] + s[b],   t* = the last step that mask counts
///
/// Source: Ziegler et al. (2019), arXiv 1909.08593, section 2; most stacks place it here. terminal_score is TRL's
/// placement, one step later.
/// An empty response (mask counts nothing in its row) is paid nothing: there is no token that could have earned it.
///
/// Reads: scores, mask. Writes: rewards [B, T].
struct terminal_score_at_eos {
    static constexpr bool pays_score = true;  // see compose/charges.hpp

    template <class Array>
    constexpr rollout<Array> operator()(rollout<Array> const& rollout) const {
        return paid_at_last_step(rollout, rollout.mask);
    }
};
static_assert(RewardShaper<terminal_score_at_eos>);

}  // namespace proximal
