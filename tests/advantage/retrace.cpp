// SPDX-License-Identifier: Apache-2.0
#include "../support/off_policy.hpp"

using namespace proximal;
using support::as, support::difference, support::grid, support::tolerance;

TEMPLATE_TEST_CASE("retrace: hand numbers", "", BACKENDS) {
    auto const judged = retrace{.gamma = 0.5, .lam = 0.5}(support::two_weighted_steps<TestType>());
    CHECK(difference(judged.returns, grid<TestType>({{2.75, 8, 0}})) < tolerance);  // 1 + ½ (2 + ¼ (8 − 2))
    CHECK(difference(judged.advantages, grid<TestType>({{1.75, 6, 0}})) < tolerance);
    auto other = support::two_weighted_steps<TestType>();
    other.logprobs = -other.logprobs;  // w = ½, 2: the trace is cut at 1
    CHECK(difference(retrace{.gamma = 0.5, .lam = 0.5}(other).returns, grid<TestType>({{3.5, 8, 0}})) < tolerance);
}

TEMPLATE_TEST_CASE("retrace: on policy it is GAE, with NaN in the padding", "", BACKENDS) {
    for (double lam : {0.0, 0.6, 1.0})
        support::check_gae_on_policy<TestType>(retrace{.gamma = 0.9, .lam = lam}, 0.9, lam);
}

TEMPLATE_TEST_CASE("retrace: with λ = 0 the temporal difference; a weight of 0 cuts what comes later", "", BACKENDS) {
    auto const rollout = as<TestType>(support::dense_rewards());
    auto const td = support::temporal_difference(rollout, 0.9);
    CHECK(difference(retrace{.gamma = 0.9, .lam = 0.0}(rollout).advantages, td) < tolerance);
    auto const cut = retrace{.gamma = 0.9, .lam = 1.0}(support::infinitely_likelier_sampler<TestType>()).advantages;
    CHECK(difference(cut, select(next_step(rollout.mask), td, cut)) < tolerance);
}

TEST_CASE("retrace: the sampler's log-probabilities are needed") {
    STATIC_REQUIRE(needs_behaviour<support::judged_by<retrace>>);
}
