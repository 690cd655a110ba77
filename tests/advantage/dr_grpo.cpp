// SPDX-License-Identifier: Apache-2.0
#include "../support/group_baselines.hpp"

using namespace proximal;
using support::check_group_advantages, support::check_group_returns;

TEMPLATE_TEST_CASE("dr_grpo: hand numbers", "", BACKENDS) {
    check_group_advantages<TestType>(dr_grpo{2}, -1, 1, -2, 0.0);
    check_group_returns<TestType>(dr_grpo{2});
}

TEMPLATE_TEST_CASE("dr_grpo: a group without spread teaches nothing, a constant on all rewards changes nothing", "",
                   BACKENDS) {
    support::check_group_baseline<TestType, dr_grpo>();
}

TEST_CASE("dr_grpo: Eigen and tensors agree, padding never matters; no critic is needed") {
    support::check_group_baseline_on_backends(dr_grpo{4});
    STATIC_REQUIRE_FALSE(needs_critic<support::group_algorithm<dr_grpo>>);
}
