// SPDX-License-Identifier: Apache-2.0
#include "../support/group_baselines.hpp"

using namespace proximal;
using support::advantage_of_rows, support::as, support::check_group_returns, support::difference, support::tolerance;

TEMPLATE_TEST_CASE("gpg: hand numbers", "", BACKENDS) {
    auto const rollout = support::two_groups<TestType>();  // every group teaches
    CHECK(difference(gpg{2}(rollout).advantages, dr_grpo{2}(rollout).advantages) == 0.0);
    check_group_returns<TestType>(gpg{2});
}

TEMPLATE_TEST_CASE("gpg: groups without spread scale up those that have it", "", BACKENDS) {
    auto some = support::full_rollout();
    for (int b = 0; b < 24; ++b)
        for (int t = 0; t < 5; ++t) some.rewards(b, t) = 0.1;  // three groups of four are flat
    auto const rollout = as<TestType>(some);
    CHECK(difference(advantage_of_rows(gpg{8}(rollout)), 4.0 * advantage_of_rows(dr_grpo{8}(rollout))) < tolerance);
}

TEMPLATE_TEST_CASE("gpg: a group without spread teaches nothing, a constant on all rewards changes nothing", "",
                   BACKENDS) {
    support::check_group_baseline<TestType, gpg>();
}

TEST_CASE("gpg: Eigen and tensors agree, padding never matters; no critic is needed") {
    support::check_group_baseline_on_backends(gpg{4});
    STATIC_REQUIRE_FALSE(needs_critic<support::group_algorithm<gpg>>);
}
