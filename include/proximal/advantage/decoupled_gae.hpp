// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/advantage/constant_lambda.hpp>
#include <proximal/advantage/gae.hpp>
#include <proximal/composer.hpp>

namespace proximal {

/// GAE twice: one λ for the policy's advantages, another for the critic's targets.
///
///     Â: gae with λ,   R̂ = V + gae with λ_critic
///
/// With λ_critic = 1 the critic learns whole returns, unbiased by itself, while the policy keeps its low variance.
/// Source: Yuan et al., What's Behind PPO's Collapse in Long-CoT? Value Optimization Holds the Secret (VC-PPO, 2025),
/// arXiv 2503.01491, section 4.2. VAPO is decoupled_gae<length_adaptive_lambda>.
///
/// Lambda: any function of mask [B, T] that gives a λ [B, T]: constant_lambda, length_adaptive_lambda, your own. It is
/// the member `part`, and its knobs (lam, lambda_alpha) are the estimator's.
/// Knobs: gamma and critic_lam in [0, 1], both 1.
/// Reads: rewards, values, value_mask, mask [B, T]. Gives: advantages, returns [B, T].
template <class Lambda = constant_lambda>
struct decoupled_gae {
    double gamma = 1.0;
    double critic_lam = 1.0;
    Lambda part{};
    static constexpr auto composes = composed_of(&decoupled_gae::part);
    static constexpr auto knobs =
        reflect(knob<"gamma">(&decoupled_gae::gamma, "discount of later rewards", between(0, 1)),
                knob<"critic_lam">(&decoupled_gae::critic_lam, "lam of the critic's targets", between(0, 1)));

    template <class Array>
    constexpr experience<Array> operator()(rollout<Array> const& rollout) const {
        auto const values = select(rollout.value_mask, rollout.values, 0.0);  // [B, T]
        auto const step = [this](auto const& counts, auto const& reward, auto const& value, auto const& next_value,
                                 auto const& lambda) {
            return affine{select(counts, reward, 0.0) + gamma * next_value - value, gamma * lambda};
        };
        auto const advantages =
            reverse_scan(step, rollout.value_mask, rollout.rewards, values, next_step(values), part(rollout.mask));
        return {rollout, advantages, gae{.gamma = gamma, .lam = critic_lam}(rollout).returns};
    }
};
static_assert(AdvantageEstimator<decoupled_gae<>>);

}  // namespace proximal
