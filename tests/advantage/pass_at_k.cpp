// SPDX-License-Identifier: Apache-2.0
#include "../support/group_baselines.hpp"

using namespace proximal;
using support::advantage_of_rows, support::as, support::check_group_advantages, support::check_group_returns,
    support::tolerance;

TEMPLATE_TEST_CASE("pass_at_k: hand numbers", "", BACKENDS) {
    check_group_advantages<TestType>(pass_at_k{2}, 0, 2, 0, 0.0);
    check_group_returns<TestType>(pass_at_k{2});
    CHECK_THROWS_WITH(pass_at_k{1}(support::two_groups<TestType>()),
                      Catch::Contains("4 rows do not divide into groups of 1"));
}

TEMPLATE_TEST_CASE("pass_at_k: one row of a group at most, by what it beats the second best", "", BACKENDS) {
    auto const rollout = as<TestType>(support::full_rollout());
    TestType const reward = row_sum(rollout.rewards);
    auto const advantage = support::read(advantage_of_rows(pass_at_k{8}(rollout))), total = support::read(reward);
    for (int g = 0; g < 32; g += 8) {
        std::vector<double> sorted(total.cells.data() + g, total.cells.data() + g + 8);
        std::sort(sorted.begin(), sorted.end());
        for (int b = g; b < g + 8; ++b)
            CHECK(advantage(b, 0) == Approx(total(b, 0) == sorted[7] ? sorted[7] - sorted[6] : 0.0).epsilon(tolerance));
    }
}

TEMPLATE_TEST_CASE("pass_at_k: a group without spread teaches nothing, a constant on all rewards changes nothing", "",
                   BACKENDS) {
    support::check_group_baseline<TestType, pass_at_k>();
}

TEST_CASE("pass_at_k: Eigen and tensors agree, padding never matters; no critic is needed") {
    support::check_group_baseline_on_backends(pass_at_k{4});
    STATIC_REQUIRE_FALSE(needs_critic<support::group_algorithm<pass_at_k>>);
}
