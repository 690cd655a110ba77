// SPDX-License-Identifier: Apache-2.0
#include "../support/group_baselines.hpp"

using namespace proximal;
using support::advantage_of_rows, support::as, support::check_group_advantages, support::check_group_returns,
    support::difference, support::tolerance;

TEMPLATE_TEST_CASE("opo: hand numbers", "", BACKENDS) {
    double const c = 7.0 / 3.0;  // (1·1 + 2·3) / 3; the empty response has no say in the other group
    check_group_advantages<TestType>(opo{2}, 1 - c, 3 - c, 0);
    check_group_returns<TestType>(opo{2});
}

TEMPLATE_TEST_CASE("opo: where all responses are of one length it is dr_grpo", "", BACKENDS) {
    auto const rollout = as<TestType>(support::full_rollout());
    CHECK(difference(advantage_of_rows(opo{8}(rollout)), advantage_of_rows(dr_grpo{8}(rollout))) < tolerance);
}

TEMPLATE_TEST_CASE("opo: a group without spread teaches nothing, a constant on all rewards changes nothing", "",
                   BACKENDS) {
    support::check_group_baseline<TestType, opo>();
}

TEST_CASE("opo: Eigen and tensors agree, padding never matters; no critic is needed") {
    support::check_group_baseline_on_backends(opo{4});
    STATIC_REQUIRE_FALSE(needs_critic<support::group_algorithm<opo>>);
}
