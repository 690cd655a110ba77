// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <proximal/knob.hpp>

namespace proximal {

/// A KL coefficient that is driven towards a target KL, proportionally and in log space.
///
///     e = clip(KL / target − 1, −0.2, 0.2)
///     f ← f (1 + e · min(episodes / horizon, 1)),   f = 1 at first
///     β = kl_coef · f
///
/// Source: Ziegler et al. (2019), arXiv 1909.08593, section 2.2; TRL's AdaptiveKLController.
/// Departure: a batch longer than the horizon counts as the horizon, so that β never changes its sign.
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

    double factor = 1.0;  // what was learnt: f

    /// β, as it stands.
    constexpr double coefficient() const { return kl_coef * factor; }

    /// Learns from a batch: the mean KL of its responses, and how many there were. A NaN changes nothing.
    constexpr void observe(double kl, double episodes) {
        double const error = std::clamp(kl / kl_target - 1.0, -0.2, 0.2);
        if (error == error) factor *= 1.0 + error * std::min(episodes / kl_horizon, 1.0);
    }

    /// Shows an archive what was learnt.
    template <class Archive>
    constexpr void visit_state(Archive& archive) {
        archive("factor", factor);
    }
};

}  // namespace proximal
