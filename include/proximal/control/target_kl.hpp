// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/concepts.hpp>
#include <proximal/knob.hpp>

namespace proximal {

/// Ends an update early, once the policy has moved far enough from the one that sampled.
///
///     stop   where the mini-batch's mean ½ (log π − log π_old)² > target
///
/// Source: OpenAI's Spinning Up (2018), PPO; TRL's early_stopping and CleanRL's target_kl.
/// Departure: looked at before each step, per mini-batch, by k2: TRL's v1 stops at 1.5 times its target, CleanRL looks
/// after each epoch.
///
/// Knob: target_kl > 0, 0.02, in nats per token. The member is called `target`.
struct target_kl {
    double target = 0.02;
    static constexpr auto knobs =
        reflect(knob<"target_kl">(&target_kl::target, "mean KL per token at which an update ends", above(0)));

    constexpr verdict operator()(step_summary const& step) const {
        return step.approxkl > target ? verdict::stop : verdict::take;
    }
};
static_assert(StepGuard<target_kl>);

}  // namespace proximal
