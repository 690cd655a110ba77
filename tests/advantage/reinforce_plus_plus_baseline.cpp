// SPDX-License-Identifier: Apache-2.0
#include "../support/group_baselines.hpp"

using namespace proximal;

TEMPLATE_TEST_CASE("reinforce_plus_plus_baseline: hand numbers", "", BACKENDS) {
    double const root = std::sqrt(2.3 + 1e-8);  // of −1, 1, 1, −2, −2: mean −0.6, unbiased variance 2.3
    support::check_group_advantages<TestType>(reinforce_plus_plus_baseline{dr_grpo{2}, whiten{}}, -0.4 / root,
                                              1.6 / root, -1.4 / root);
}

TEST_CASE("reinforce_plus_plus_baseline: Eigen and tensors agree, padding never matters; no critic is needed") {
    support::check_group_baseline_on_backends(reinforce_plus_plus_baseline{dr_grpo{4}, {}});
    STATIC_REQUIRE_FALSE(needs_critic<support::group_algorithm<reinforce_plus_plus_baseline>>);
}
