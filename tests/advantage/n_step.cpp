// SPDX-License-Identifier: Apache-2.0
#include "../support/dense_rewards.hpp"

using namespace proximal;
using support::apart, support::as, support::difference, support::tolerance;

TEMPLATE_TEST_CASE("n_step: hand numbers", "", BACKENDS) {
    support::check_judged(n_step{.gamma = 0.5, .steps = 2}, support::three_steps<TestType>(), {{1, 2, 4}, {4, 6, 0}},
                          {{2, 4, 8}, {5, 8, 0}});  // r + ½ r' + ¼ V''
}

TEMPLATE_TEST_CASE("n_step: GAE with λ = 0, with λ = 1, and of any λ as their mean, with NaN in the padding", "",
                   BACKENDS) {
    auto const rollout = as<TestType>(support::dense_rewards());
    double const gamma = 0.9;
    auto const gae_with = [&](double lam) { return gae{.gamma = gamma, .lam = lam}(rollout); };
    auto const after = [&](int steps) { return n_step{.gamma = gamma, .steps = steps}(rollout); };
    CHECK(apart(after(1), gae_with(0.0)) < tolerance);
    CHECK(apart(after(12), gae_with(1.0)) < tolerance);
    // GAE is the exponential mean of the n-step advantages: (1 − λ) Σ λⁿ⁻¹ Âₙ
    TestType mean = 0.0 * rollout.mask;
    for (int n = 1; n <= 12; ++n) mean = mean + (n < 12 ? 0.7 : 1.0) * std::pow(0.3, n - 1) * after(n).advantages;
    CHECK(difference(mean, gae_with(0.3).advantages) < tolerance);
}

TEST_CASE("n_step: Eigen and tensors agree; a critic and a step at least are needed") {
    support::check_judgement_on_backends(n_step{});
    STATIC_REQUIRE(needs_critic<support::judged_by<n_step>>);
    CHECK_THROWS_WITH(validate(n_step{.steps = 0}), "--n_step must be at least 1, but is 0.");
}
