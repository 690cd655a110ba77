// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "token_losses.hpp"

namespace support {

/// PPO with a KL penalty, a critic and an entropy bonus under an aggregation.
auto ppo_under(auto const&... aggregation) {
    using namespace proximal;
    return algorithm{chain(kl_penalty<k1>{}, terminal_score{}), gae{},
                     total(clipped_surrogate{}, clipped_value{}, weighted(0.1, entropy_bonus{})), aggregation...};
}

#ifdef PROXIMAL_TEST_LIBTORCH
inline constexpr auto by_fused_pass = [](auto const& algorithm, auto const& then, auto const& now) {
    return proximal::libtorch::fused_loss(algorithm, then, now);
};
inline constexpr auto by_operations = [](auto const& algorithm, auto const& then, auto const& now) {
    return algorithm.measure(then, now);
};

/// The mean over micro-batches of the loss and of the first metric, and the gradient, [B, T] of the log-probs.
struct split_outcome {
    double loss = 0.0, metric = 0.0;
    at::Tensor gradient;
};
split_outcome split(auto const& algorithm, auto const& measure, int micro_batches) {
    auto const batch = random_batch(24, 12, 6);
    auto const mini_batch = weigh(algorithm, algorithm.evaluate(as<field>(batch.rollout)), micro_batches);
    auto const now = as<field>(batch.now);
    now.logprobs.tensor.requires_grad_();
    split_outcome result;
    at::Tensor loss = at::zeros({}, at::kDouble);
    for (int micro = 0; micro < micro_batches; ++micro) {
        auto const index = at::arange(24 / micro_batches) + micro * (24 / micro_batches);
        auto const measured = measure(algorithm, proximal::rows(mini_batch, index), proximal::rows(now, index));
        loss = loss + measured.loss.tensor / micro_batches;
        result.metric += boost::hana::at_c<0>(measured.metrics).value.tensor.template item<double>() / micro_batches;
    }
    result.loss = loss.item<double>();
    result.gradient = torch::autograd::grad({loss}, {now.logprobs.tensor})[0];
    return result;
}

/// The same loss, metric and gradient for every split of a mini-batch.
void check_splits(auto const& algorithm, auto const& measure) {
    auto const whole = split(algorithm, measure, 1);
    for (int micro_batches : {2, 3, 8, 24}) {
        auto const parts = split(algorithm, measure, micro_batches);
        CHECK(parts.loss == Approx(whole.loss).epsilon(tolerance));
        CHECK(parts.metric == Approx(whole.metric).epsilon(tolerance));
        CHECK(difference(field(parts.gradient), field(whole.gradient)) < tolerance);
    }
}
#endif

}  // namespace support
