// SPDX-License-Identifier: Apache-2.0
#include "../support/backends.hpp"

#include <catch2/catch.hpp>

using namespace proximal;
using support::as, support::difference, support::grid, support::NaN, support::tolerance;

TEMPLATE_TEST_CASE("whiten_rewards: hand numbers", "", BACKENDS) {
    rollout<TestType> const rollout{.rewards = grid<TestType>({{1, 2, NaN}, {6, NaN, NaN}}),
                                    .value_mask = grid<TestType>({{1, 1, 0}, {1, 0, 0}})};
    double const root = std::sqrt(7.0 + 1e-8);  // μ = 3, σ² = (4 + 1 + 9) / 2
    CHECK(difference(whiten_rewards{}(rollout).rewards,
                     grid<TestType>({{3 - 2 / root, 3 - 1 / root, 0}, {3 + 3 / root, 0, 0}})) < tolerance);
}

TEMPLATE_TEST_CASE("whiten_rewards: the mean stays, the variance becomes 1, padding becomes 0", "", BACKENDS) {
    auto batch = support::random_batch(26, 12, 5).rollout;
    batch.rewards = 3.0 * support::random_batch(26, 12, 8).rollout.values + 7.0;  // NaN in padding
    auto const before = as<TestType>(batch);
    auto const after = whiten_rewards{}(before).rewards;
    auto const& mask = before.value_mask;
    CHECK(difference(masked_mean(after, mask), masked_mean(before.rewards, mask)) < tolerance);
    CHECK(difference(masked_variance(after, mask), TestType(1.0)) < 1e-6);  // the 1e-8 in the root
    CHECK(difference(select(mask, TestType(0.0), after), 0.0 * mask) == 0.0);
}

TEMPLATE_TEST_CASE("whiten_rewards: one step has no variance", "", BACKENDS) {
    rollout<TestType> const single{.rewards = grid<TestType>({{2}}), .value_mask = grid<TestType>({{1}})};
    CHECK(support::read(whiten_rewards{}(single).rewards)(0, 0) == support::read(single.rewards)(0, 0));
}
