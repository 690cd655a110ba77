// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "backends.hpp"

#include <catch2/catch.hpp>

namespace support {

/// Rewards at every step, NaN wherever padding is, and a sampler that is not the policy.
inline proximal::rollout<array> dense_rewards() {
    auto result = random_batch(26, 12, 7).rollout;
    result.rewards = random_batch(26, 12, 8).rollout.values;
    return result;
}

/// How far two judgements of a rollout are apart, in advantages and in returns.
double apart(auto const& a, auto const& b) {
    return std::max(difference(a.advantages, b.advantages), difference(a.returns, b.returns));
}

/// Two responses judged by hand: of three steps, and of one, after which a second reward comes.
template <class Array>
proximal::rollout<Array> three_steps() {
    return {.values = grid<Array>({{1, 2, 4}, {1, 2, NaN}}),
            .rewards = grid<Array>({{1, 0, 8}, {1, 8, NaN}}),
            .mask = grid<Array>({{1, 1, 1}, {1, 0, 0}}),
            .value_mask = grid<Array>({{1, 1, 1}, {1, 1, 0}})};
}

template <class Array>
void check_judged(auto const& estimator, proximal::rollout<Array> const& rollout, rows advantages, rows returns) {
    auto const judged = estimator(rollout);
    CHECK(difference(judged.advantages, grid<Array>(advantages)) < tolerance);
    CHECK(difference(judged.returns, grid<Array>(returns)) < tolerance);
}

/// Eigen and tensors agree, with a shaper before the estimator and whitening after it.
void check_judgement_on_backends(auto const& estimator) {
    using namespace proximal;
    auto const whole = chain(terminal_score{}, estimator, whiten{});
    auto const batch = random_batch(29, 12, 4).rollout;
    CHECK(apart(whole(as<field>(batch)), whole(batch)) < tolerance);
}

/// An algorithm with an estimator, whose needs are asked.
template <class Estimator>
using judged_by = decltype(proximal::algorithm{proximal::terminal_score{}, Estimator{}, proximal::clipped_surrogate{}});

}  // namespace support
