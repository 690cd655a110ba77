// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/concepts.hpp>
#include <proximal/knob.hpp>

namespace proximal {

/// Leaves out a step whose mini-batch has run away from the policy that sampled it.
///
///     skip   where the mini-batch's mean ρ > threshold
///
/// Source: TRL's ratio_threshold (PPO v1), "skip mini-batches with high PPO ratios that can cause loss spikes".
///
/// Knob: ratio_threshold > 1; 10 is TRL's. The member is called `threshold`.
struct ratio_guard {
    double threshold = 10.0;
    static constexpr auto knobs = reflect(
        knob<"ratio_threshold">(&ratio_guard::threshold, "mean ratio above which a step is left out", above(1)));

    constexpr verdict operator()(step_summary const& step) const {
        return step.ratio > threshold ? verdict::skip : verdict::take;
    }
};
static_assert(StepGuard<ratio_guard>);

}  // namespace proximal
