// SPDX-License-Identifier: Apache-2.0
#include "../support/group_baselines.hpp"

using namespace proximal;
using support::advantage_of_rows, support::as, support::check_group_advantages, support::check_group_returns,
    support::difference, support::tolerance;

TEMPLATE_TEST_CASE("rloo: hand numbers", "", BACKENDS) {
    check_group_advantages<TestType>(rloo{2}, -2, 2, -4, 0.0);
    check_group_returns<TestType>(rloo{2});
}

TEMPLATE_TEST_CASE("rloo: a group's advantages sum to zero, and each is its reward minus the others' mean", "",
                   BACKENDS) {
    auto const rollout = as<TestType>(support::full_rollout());
    TestType const reward = row_sum(rollout.rewards);
    auto const advantage = advantage_of_rows(rloo{8}(rollout));
    CHECK(difference(group_mean(advantage, 8), 0.0 * reward) < tolerance);
    CHECK(difference(advantage, reward - (8.0 * group_mean(reward, 8) - reward) / 7.0) < tolerance);
}

TEMPLATE_TEST_CASE("rloo: a group without spread teaches nothing, a constant on all rewards changes nothing", "",
                   BACKENDS) {
    support::check_group_baseline<TestType, rloo>();
}

TEST_CASE("rloo: Eigen and tensors agree, padding never matters; no critic is needed") {
    support::check_group_baseline_on_backends(rloo{4});
    STATIC_REQUIRE_FALSE(needs_critic<support::group_algorithm<rloo>>);
}

TEST_CASE("rloo: a response alone has no baseline") {
    CHECK_THROWS_WITH(validate(rloo{1}), "--group_size must be at least 2, but is 1.");
}
