// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/affine.hpp>
#include <proximal/concepts.hpp>
#include <proximal/knob.hpp>

namespace mine {

/// An estimator: what is still to come, less its mean over the batch.
///
///     R̂[t] = r[t] + γ R̂[t+1],   Â[t] = R̂[t] − mean R̂
///
/// It takes a rollout, [B, T] arrays, and gives an experience: the rollout with advantages and returns. Numbers count
/// where the masks say so; a row may hold no token at all, so a mean is taken over what counts.
struct mean_baseline {
    double gamma = 1.0;
    static constexpr auto knobs = proximal::reflect(
        proximal::knob<"gamma">(&mean_baseline::gamma, "discount of later rewards", proximal::between(0, 1)));

    template <class Array>
    constexpr proximal::experience<Array> operator()(proximal::rollout<Array> const& rollout) const {
        auto const step = [this](auto const& counts, auto const& reward) {
            return proximal::affine{select(counts, reward, 0.0), gamma};
        };
        auto const returns = reverse_scan(step, rollout.value_mask, rollout.rewards);
        Array const mean = sum(select(rollout.mask, returns, 0.0)) / max(sum(rollout.mask), 1.0);
        return {rollout, select(rollout.mask, returns - mean, 0.0), returns};
    }
};
static_assert(proximal::AdvantageEstimator<mean_baseline>);

}  // namespace mine
