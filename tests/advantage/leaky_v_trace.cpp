// SPDX-License-Identifier: Apache-2.0
#include "../support/off_policy.hpp"

using namespace proximal;
using support::apart, support::as, support::difference, support::grid, support::tolerance;

TEMPLATE_TEST_CASE("leaky_v_trace: hand numbers", "", BACKENDS) {
    leaky_v_trace const estimator{.alpha = 0.5,
                                  .part = {.gamma = 0.5, .lam = 0.5, .clip_rho = 1.0, .clip_pg_rho = 1.5}};
    auto const judged = estimator(support::two_weighted_steps<TestType>());
    CHECK(difference(judged.returns, grid<TestType>({{3.625, 5, 0}})) < tolerance);
    CHECK(difference(judged.advantages, grid<TestType>({{3.0625, 3, 0}})) < tolerance);
}

TEMPLATE_TEST_CASE(
    "leaky_v_trace: on policy it is GAE; α goes from the weights alone to v_trace, with NaN in the padding", "",
    BACKENDS) {
    auto const rollout = as<TestType>(support::dense_rewards());
    auto const ratio = importance_ratio(rollout);
    for (double lam : {0.0, 0.6, 1.0}) {
        support::check_gae_on_policy<TestType>(leaky_v_trace{.alpha = 0.3, .part = {.gamma = 0.9, .lam = lam}}, 0.9,
                                               lam);
        v_trace const sharp{.gamma = 0.9, .lam = lam, .clip_rho = 0.8, .clip_pg_rho = 1.2};
        CHECK(apart(leaky_v_trace{.alpha = 1.0, .part = sharp}(rollout), sharp(rollout)) < tolerance);
        CHECK(apart(leaky_v_trace{.alpha = 0.0, .part = sharp}(rollout),
                    sharp.corrected(rollout, ratio, ratio, ratio)) < tolerance);
    }
}

TEST_CASE("leaky_v_trace: its knobs, and v_trace's; the sampler's log-probabilities are needed") {
    std::vector<std::string> flags;
    auto leaky = leaky_v_trace{};
    visit_knobs(leaky, [&](std::string_view, auto const& knob, auto&) { flags.emplace_back(knob.name); });
    CHECK(flags == std::vector<std::string>{"leak_alpha", "gamma", "lam", "clip_rho", "clip_pg_rho"});
    STATIC_REQUIRE(needs_behaviour<support::judged_by<leaky_v_trace>>);
}
