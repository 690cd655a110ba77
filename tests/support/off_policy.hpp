// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "dense_rewards.hpp"

namespace support {

/// One response of two tokens, w = 2 and ½; the third step is padding.
template <class Array>
proximal::rollout<Array> two_weighted_steps() {
    return {.logprobs = grid<Array>({{std::log(2.0), -std::log(2.0), NaN}}),
            .values = grid<Array>({{1, 2, NaN}}),
            .rewards = grid<Array>({{1, 8, NaN}}),
            .mask = grid<Array>({{1, 1, 0}}),
            .value_mask = grid<Array>({{1, 1, 0}}),
            .behaviour_logprobs = grid<Array>({{0, 0, NaN}})};
}

/// Where the sampler was the policy, an off-policy estimator is GAE with its γ and λ.
template <class Array>
void check_gae_on_policy(auto const& estimator, double gamma, double lam) {
    auto rollout = as<Array>(dense_rewards());
    rollout.behaviour_logprobs = rollout.logprobs;
    CHECK(apart(estimator(rollout), proximal::gae{.gamma = gamma, .lam = lam}(rollout)) < tolerance);
}

/// r + γ V' − V, with nothing in the padding.
template <class Array>
Array temporal_difference(proximal::rollout<Array> const& rollout, double gamma) {
    auto const values = select(rollout.value_mask, rollout.values, 0.0);
    return select(rollout.value_mask, rollout.rewards, 0.0) + gamma * next_step(values) - values;
}

/// The rollout of a sampler that was infinitely likelier than the policy: every w is 0.
template <class Array>
proximal::rollout<Array> infinitely_likelier_sampler() {
    auto rollout = as<Array>(dense_rewards());
    rollout.behaviour_logprobs = rollout.logprobs + 1e4;
    return rollout;
}

}  // namespace support
