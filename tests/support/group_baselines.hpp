// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "backends.hpp"

#include <catch2/catch.hpp>

namespace support {

/// Two groups of two: the rewards are 1, 3 and 0, 4, the lengths 1, 2 and 2, 0.
template <class Array>
proximal::rollout<Array> two_groups() {
    return {.rewards = grid<Array>({{0, 1, NaN}, {-1, 0, 4}, {-1, 0, 1}, {4, NaN, NaN}}),
            .mask = grid<Array>({{1, 0, 0}, {1, 1, 0}, {1, 1, 0}, {0, 0, 0}}),
            .value_mask = grid<Array>({{1, 1, 0}, {1, 1, 1}, {1, 1, 1}, {1, 0, 0}})};
}

/// The advantage of each row's tokens in those groups of two; the fourth row has no token.
template <class Array>
void check_group_advantages(auto const& estimator, double a, double b, double c, double allowed = tolerance) {
    auto const expected = grid<Array>({{a, 0, 0}, {b, b, 0}, {c, c, 0}, {0, 0, 0}});
    CHECK(difference(estimator(two_groups<Array>()).advantages, expected) <= allowed);
}

/// The returns are what a response earned, over value_mask.
template <class Array>
void check_group_returns(auto const& estimator) {
    auto const earned = grid<Array>({{1, 1, 0}, {3, 3, 3}, {0, 0, 0}, {4, 0, 0}});
    CHECK(difference(estimator(two_groups<Array>()).returns, earned) == 0.0);
}

/// 32 rows that all count at every step; the reward is a terminal score.
inline proximal::rollout<array> full_rollout() {
    auto result = random_batch(32, 5, 3).rollout;
    result.mask = result.value_mask = 0.0 * result.mask + 1.0;
    result.rewards = 0.0 * result.mask;
    return proximal::terminal_score{}(result);
}

/// [B], where all steps of a row are alike.
auto advantage_of_rows(auto const& judged) { return row_sum(judged.advantages) / 5.0; }

/// A group without spread teaches nothing; a constant on all rewards changes nothing.
template <class Array, class Estimator>
void check_group_baseline() {
    auto const rollout = as<Array>(full_rollout());
    Array const none = 0.0 * row_sum(rollout.rewards);
    auto flat = rollout, shifted = rollout;
    flat.rewards = 0.0 * flat.rewards + 0.1, shifted.rewards = shifted.rewards + 2.0;
    CHECK(difference(advantage_of_rows(Estimator{8}(flat)), none) < 1e-10);  // a rounding, divided by ε in grpo
    CHECK(difference(advantage_of_rows(Estimator{4}(shifted)), advantage_of_rows(Estimator{4}(rollout))) < tolerance);
}

/// Eigen and tensors agree, and padding never matters.
void check_group_baseline_on_backends(auto const& estimator) {
    using namespace proximal;
    auto const whole = chain(kl_penalty<k3>{}, terminal_score{}, estimator);
    auto const batch = random_batch(28, 12, 4).rollout;
    auto const exact = whole(batch);
    auto const judged = whole(as<field>(batch));
    CHECK(difference(judged.advantages, exact.advantages) < tolerance);
    CHECK(difference(judged.returns, exact.returns) < tolerance);
    CHECK(difference(select(batch.mask, array(0.0), exact.advantages), 0.0 * batch.mask) == 0.0);
}

/// An algorithm with a group baseline, whose needs are asked.
template <class Estimator>
using group_algorithm = decltype(proximal::algorithm{proximal::terminal_score{}, Estimator{},
                                                     proximal::clipped_surrogate{}});

}  // namespace support
