// SPDX-License-Identifier: Apache-2.0
#include "../support/dense_rewards.hpp"

using namespace proximal;
using support::apart, support::as, support::difference, support::tolerance;

TEMPLATE_TEST_CASE("decoupled_gae: hand numbers", "", BACKENDS) {
    support::check_judged(decoupled_gae<>{0.5, 1.0, {.lam = 0.5}}, support::three_steps<TestType>(),
                          {{1.25, 1, 4}, {2.5, 6, 0}}, {{3, 4, 8}, {5, 8, 0}});
}

TEMPLATE_TEST_CASE("decoupled_gae: GAE where both λ are alike; the critic's own λ, with NaN in the padding", "",
                   BACKENDS) {
    auto const rollout = as<TestType>(support::dense_rewards());
    double const gamma = 0.9;
    auto const earned = discounted_returns{.gamma = gamma}(rollout);
    for (double lam : {0.0, 0.3, 1.0}) {
        auto const coupled = gae{.gamma = gamma, .lam = lam}(rollout);
        CHECK(apart(decoupled_gae<>{gamma, lam, {lam}}(rollout), coupled) < tolerance);
        auto const decoupled = decoupled_gae<>{gamma, 1.0, {lam}}(rollout);
        CHECK(difference(decoupled.advantages, coupled.advantages) < tolerance);
        CHECK(difference(decoupled.returns, earned.returns) < tolerance);
    }
}

TEST_CASE("decoupled_gae: Eigen and tensors agree") { support::check_judgement_on_backends(decoupled_gae<>{}); }
