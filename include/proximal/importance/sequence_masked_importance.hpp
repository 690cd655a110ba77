// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/concepts.hpp>
#include <proximal/importance/importance_ratio.hpp>
#include <proximal/knob.hpp>

namespace proximal {

/// Drops whole responses on which policy and sampler disagree too far, by the geometric mean of their tokens' weights.
///
///     g[b] = exp((1/ℓ) Σₜ log w[b, t])
///     Â ← w Â where low ≤ g ≤ high,   0 elsewhere
///
/// Source: OpenRLHF's seq-mask-tis; Liu and Li, When Speed Kills Stability (2025), on sequence-level rejection.
///
/// Knobs: sequence_importance_low in [0, 1], 0.99; sequence_importance_high > 0, 1.001: a mean over a whole response
/// moves little. The members are called `low`, `high`.
/// Reads: logprobs, behaviour_logprobs, mask. Writes: advantages [B, T]. Stands last, after whiten.
struct sequence_masked_importance {
    double low = 0.99;
    double high = 1.001;
    static constexpr auto knobs =
        reflect(knob<"sequence_importance_low">(&sequence_masked_importance::low,
                                                "mean weight below which a response is dropped", between(0, 1)),
                knob<"sequence_importance_high">(&sequence_masked_importance::high,
                                                 "mean weight above which a response is dropped", above(0)));

    template <class Array>
    constexpr experience<Array> operator()(experience<Array> experience) const {
        Array const log_ratio = importance_log_ratio(experience);                         // [B, T]
        Array const mean = exp(row_sum(log_ratio) / max(row_sum(experience.mask), 1.0));  // [B]
        Array const kept = spread(Array((mean >= low) * (mean <= high)), log_ratio);      // [B, T]
        experience.advantages = select(kept * experience.mask, exp(log_ratio) * experience.advantages, 0.0);
        return experience;
    }
};
static_assert(ExperienceRefinement<sequence_masked_importance>);

}  // namespace proximal
