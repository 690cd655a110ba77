// SPDX-License-Identifier: Apache-2.0
#include "../support/off_policy.hpp"

using namespace proximal;
using support::as, support::difference, support::grid, support::tolerance;

TEMPLATE_TEST_CASE("v_trace: hand numbers", "", BACKENDS) {
    v_trace const estimator{.gamma = 0.5, .lam = 0.5, .clip_rho = 1.0, .clip_pg_rho = 1.5};
    auto const judged = estimator(support::two_weighted_steps<TestType>());
    // t = 1: δ = ½ (8 − 2); t = 0: δ = 1 (1 + ½ 2 − 1), R̂ = 1 + δ + ½ ½ (5 − 2), Â = 1.5 (1 + ½ (½ 5 + ½ 2) − 1)
    CHECK(difference(judged.returns, grid<TestType>({{2.75, 5, 0}})) < tolerance);
    CHECK(difference(judged.advantages, grid<TestType>({{2.625, 3, 0}})) < tolerance);
    auto const wider =
        v_trace{.gamma = 0.5, .lam = 0.5, .clip_rho = 1.5, .clip_pg_rho = 1.0}(support::two_weighted_steps<TestType>());
    CHECK(difference(wider.returns, grid<TestType>({{3.25, 5, 0}})) < tolerance);
    CHECK(difference(wider.advantages, grid<TestType>({{1.75, 3, 0}})) < tolerance);
}

TEMPLATE_TEST_CASE("v_trace: on policy it is GAE, with NaN in the padding", "", BACKENDS) {
    for (double lam : {0.0, 0.6, 1.0})
        support::check_gae_on_policy<TestType>(v_trace{.gamma = 0.9, .lam = lam}, 0.9, lam);
}

TEMPLATE_TEST_CASE("v_trace: with λ = 0 one weighted temporal difference; a weight of 0 cuts what comes later", "",
                   BACKENDS) {
    auto const rollout = as<TestType>(support::dense_rewards());
    auto const values = select(rollout.value_mask, rollout.values, 0.0);
    auto const td = support::temporal_difference(rollout, 0.9);
    v_trace const one_step{.gamma = 0.9, .lam = 0.0};
    CHECK(difference(one_step(rollout).returns - values, min(importance_ratio(rollout), 1.0) * td) < tolerance);
    auto const cut = support::infinitely_likelier_sampler<TestType>();
    CHECK(difference(select(rollout.mask, v_trace{}(cut).advantages, 0.0), 0.0 * values) < tolerance);
}

TEST_CASE("v_trace: the sampler's log-probabilities and a critic are needed; not so for gae, unless it is corrected") {
    STATIC_REQUIRE(needs_behaviour<support::judged_by<v_trace>>);
    STATIC_REQUIRE(needs_critic<support::judged_by<v_trace>>);
    STATIC_REQUIRE_FALSE(needs_behaviour<support::judged_by<gae>>);
    STATIC_REQUIRE(needs_behaviour<support::judged_by<chain<gae, truncated_importance>>>);
}
