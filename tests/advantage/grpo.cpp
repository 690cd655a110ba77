// SPDX-License-Identifier: Apache-2.0
#include "../support/group_baselines.hpp"

using namespace proximal;
using support::advantage_of_rows, support::as, support::check_group_advantages, support::check_group_returns,
    support::difference, support::tolerance;

TEMPLATE_TEST_CASE("grpo: hand numbers", "", BACKENDS) {
    double const a = 1 / (std::sqrt(2.0) + 1e-4), b = 2 / (std::sqrt(8.0) + 1e-4);
    check_group_advantages<TestType>(grpo{2}, -a, a, -b);
    check_group_returns<TestType>(grpo{2});
    CHECK_THROWS_WITH(grpo{3}(support::two_groups<TestType>()),
                      Catch::Contains("4 rows do not divide into groups of 3"));
}

TEMPLATE_TEST_CASE("grpo: mean 0 and, but for ε, unbiased variance 1 in every group; scale does not matter", "",
                   BACKENDS) {
    auto const rollout = as<TestType>(support::full_rollout());
    TestType const reward = row_sum(rollout.rewards);
    TestType const none = 0.0 * reward;
    auto const advantage = advantage_of_rows(grpo{8}(rollout));
    CHECK(difference(group_mean(advantage, 8), none) < tolerance);
    CHECK(difference(8.0 / 7.0 * group_mean(square(advantage), 8), none + 1.0) < 1e-3);
    auto scaled = rollout;
    scaled.rewards = 100.0 * scaled.rewards;
    CHECK(difference(advantage_of_rows(grpo{8}(scaled)), advantage) < 1e-3);
}

TEMPLATE_TEST_CASE("grpo: a group without spread teaches nothing, a constant on all rewards changes nothing", "",
                   BACKENDS) {
    support::check_group_baseline<TestType, grpo>();
}

TEST_CASE("grpo: Eigen and tensors agree, padding never matters; no critic is needed") {
    support::check_group_baseline_on_backends(grpo{4});
    STATIC_REQUIRE_FALSE(needs_critic<support::group_algorithm<grpo>>);
}

TEST_CASE("grpo: a reference model is needed only for a KL") {
    STATIC_REQUIRE_FALSE(needs_reference<support::group_algorithm<grpo>>);
    using deepseek = decltype(algorithm{terminal_score{}, grpo{}, total(clipped_surrogate{}, kl_loss<k3>{})});
    STATIC_REQUIRE_FALSE(needs_critic<deepseek>);
    STATIC_REQUIRE(needs_reference<deepseek>);
}
