// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/composer.hpp>
#include <proximal/control/adaptive_kl.hpp>
#include <proximal/reward/kl_penalty.hpp>

namespace proximal {

/// kl_penalty with a coefficient that something controls from batch to batch.
///
///     r[t] ← r[t] − β KL[t]   on response tokens
///     β    ← Controller(β, mean over responses of Σₜ KL[t])   once the batch is judged
///
/// Source: Ziegler et al. (2019), arXiv 1909.08593, section 2.2.
/// The part learns: evaluate_and_adapt() lets it, evaluate() leaves it as it is.
///
/// Estimator: as kl_penalty's. Controller: adaptive_kl, fixed_kl, your own: coefficient(), and observe(kl,
/// episodes).
/// Knobs: the controller's (adaptive_kl: kl_coef, kl_target, kl_horizon); it is the member `part`.
/// Reads: logprobs, ref_logprobs, mask. Writes: rewards [B, T].
template <class Estimator = k1, class Controller = adaptive_kl>
struct controlled_kl_penalty {
    Controller part{};
    static constexpr auto composes = composed_of(&controlled_kl_penalty::part);

    template <class Array>
    constexpr rollout<Array> operator()(rollout<Array> rollout) const {
        return kl_penalty<Estimator>{.kl_coef = part.coefficient()}(rollout);
    }

    /// What is logged of it: β, before the batch at hand teaches it.
    constexpr void report(auto const& metric) const { metric("objective/kl_coef", part.coefficient()); }

    /// Learns from a batch that was judged.
    template <class Array>
    void adjust(rollout<Array> const& rollout) {
        Array const kl = select(rollout.mask, Estimator{}(rollout.logprobs, rollout.ref_logprobs), 0.0);  // [B, T]
        double const episodes = item(Array(count(row_sum(rollout.mask))));
        part.observe(item(Array(sum(kl))) / episodes, episodes);
    }
};
static_assert(RewardShaper<controlled_kl_penalty<>>);

}  // namespace proximal
