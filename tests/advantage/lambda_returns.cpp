// SPDX-License-Identifier: Apache-2.0
#include "../support/dense_rewards.hpp"

using namespace proximal;
using support::apart, support::as, support::tolerance;

TEMPLATE_TEST_CASE("lambda_returns: hand numbers", "", BACKENDS) {
    support::check_judged(lambda_returns{.gamma = 0.5, .lam = 0.5}, support::three_steps<TestType>(),
                          {{1.25, 1, 4}, {2.5, 6, 0}}, {{2.25, 3, 8}, {3.5, 8, 0}});  // r + ¼ V' + ¼ R̂'
}

TEMPLATE_TEST_CASE("lambda_returns: they are GAE, with NaN in the padding", "", BACKENDS) {
    auto const rollout = as<TestType>(support::dense_rewards());
    for (double lam : {0.0, 0.3, 1.0})
        CHECK(apart(lambda_returns{.gamma = 0.9, .lam = lam}(rollout), gae{.gamma = 0.9, .lam = lam}(rollout)) <
              tolerance);
}

TEST_CASE("lambda_returns: Eigen and tensors agree; a critic is needed") {
    support::check_judgement_on_backends(lambda_returns{});
    STATIC_REQUIRE(needs_critic<support::judged_by<lambda_returns>>);
}
