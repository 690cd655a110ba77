// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <proximal/knob.hpp>

namespace proximal {

/// A KL coefficient that is driven towards a target KL, proportionally and in log space.
///
///     e = clip(KL / target − 1, −0.2, 0.2)
///     β ← β (1 + e · episodes / horizon)
///
/// Source: Ziegler et al. (2019), arXiv 1909.08593, section 2.2; TRL's AdaptiveKLController.
///
/// Knobs: kl_coef ≥ 0, the first β, 0.2; kl_target > 0, 6, in nats per response; kl_horizon > 0, 10000, in episodes:
/// all TRL's.
struct adaptive_kl {
    double kl_coef = 0.2;
    double kl_target = 6.0;
    double kl_horizon = 10000.0;
    static constexpr auto knobs =
        reflect(knob<"kl_coef">(&adaptive_kl::kl_coef, "weight of the KL penalty, to begin with", at_least(0)),
                knob<"kl_target">(&adaptive_kl::kl_target, "KL per response that is aimed at", above(0)),
                knob<"kl_horizon">(&adaptive_kl::kl_horizon, "episodes over which the weight follows", above(0)));

    /// Learns from a batch: the mean KL of its responses, and how many there were. A NaN changes nothing.
    constexpr void observe(double kl, double episodes) {
        double const error = std::clamp(kl / kl_target - 1.0, -0.2, 0.2);
        if (error == error) kl_coef *= 1.0 + error * episodes / kl_horizon;
    }
};

}  // namespace proximal
