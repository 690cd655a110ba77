// SPDX-License-Identifier: Apache-2.0
#include "../support/dense_rewards.hpp"

using namespace proximal;
using support::as, support::difference, support::tolerance;

TEMPLATE_TEST_CASE("discounted_returns: hand numbers", "", BACKENDS) {
    auto const earned = discounted_returns{.gamma = 0.5}(support::three_steps<TestType>());
    CHECK(difference(earned.returns, support::grid<TestType>({{3, 4, 8}, {5, 8, 0}})) < tolerance);
    CHECK(difference(earned.advantages, earned.returns) == 0.0);
}

TEMPLATE_TEST_CASE("discounted_returns: they are the returns of GAE with λ = 1, with NaN in the padding", "",
                   BACKENDS) {
    auto const rollout = as<TestType>(support::dense_rewards());
    auto const whole = gae{.gamma = 0.9, .lam = 1.0}(rollout);
    auto const earned = discounted_returns{.gamma = 0.9}(rollout);
    CHECK(difference(whole.returns, earned.returns) < tolerance);  // GAE(1) + V = Monte Carlo
}

TEST_CASE("discounted_returns: Eigen and tensors agree; no critic is needed") {
    support::check_judgement_on_backends(discounted_returns{.gamma = 0.9});
    STATIC_REQUIRE_FALSE(needs_critic<support::judged_by<discounted_returns>>);
}
