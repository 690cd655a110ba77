// SPDX-License-Identifier: Apache-2.0
#include "../support/dense_rewards.hpp"

using namespace proximal;

TEMPLATE_TEST_CASE("reinforce_plus_plus: hand numbers", "", BACKENDS) {
    double const root = std::sqrt(14.0 / 3.0 + 1e-8);  // the returns 3, 4, 8 and 5: mean 5, unbiased variance 14/3
    reinforce_plus_plus const estimator{discounted_returns{.gamma = 0.5}, whiten{}};
    support::check_judged(estimator, support::three_steps<TestType>(), {{-2 / root, -1 / root, 3 / root}, {0, 0, 0}},
                          {{3, 4, 8}, {5, 8, 0}});
}

TEST_CASE("reinforce_plus_plus: no critic is needed") {
    STATIC_REQUIRE_FALSE(needs_critic<support::judged_by<reinforce_plus_plus>>);
}
