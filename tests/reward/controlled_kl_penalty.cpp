// SPDX-License-Identifier: Apache-2.0
#include "../support/backends.hpp"

#include <catch2/catch.hpp>

using namespace proximal;
using support::as, support::difference, support::grid, support::tolerance;

TEMPLATE_TEST_CASE("controlled_kl_penalty: penalises with the coefficient it has, then learns from the batch", "",
                   BACKENDS) {
    auto const rollout = as<TestType>(support::random_batch(26, 12, 7).rollout);
    auto control = algorithm{
        chain(controlled_kl_penalty<k3>{{.kl_coef = 0.3, .kl_target = 0.01, .kl_horizon = 260.0}}, terminal_score{}),
        gae{}, clipped_surrogate{}};
    auto const first = evaluate_and_adapt(control, rollout);
    CHECK(difference(first.rewards, terminal_score{}(kl_penalty<k3>{.kl_coef = 0.3}(rollout)).rewards) == 0.0);
    double beta = 0.0;
    report(control, [&](std::string_view name, double value) {
        if (name == "objective/kl_coef") beta = value;
    });
    CHECK(beta == Approx(0.3 * (1.0 + 0.2 * 26.0 / 260.0)));  // the KL is far above its target
    auto const second = evaluate_and_adapt(control, rollout);
    CHECK(difference(second.rewards, terminal_score{}(kl_penalty<k3>{.kl_coef = beta}(rollout)).rewards) < tolerance);
    auto const looked = control.evaluate(rollout);  // evaluate() alone teaches nothing
    CHECK(difference(control.evaluate(rollout).rewards, looked.rewards) == 0.0);

    auto precise = controlled_kl_penalty<k1>{{.kl_coef = 1.0, .kl_target = 1e6, .kl_horizon = 26.0}};
    precise.adjust(rollout);
    CHECK(precise.part.coefficient() == Approx(0.8));  // clipped from below
    auto fixed = controlled_kl_penalty<k1, fixed_kl>{};
    CHECK(difference(fixed(rollout).rewards, kl_penalty<k1>{}(rollout).rewards) == 0.0);
    fixed.adjust(rollout);
    CHECK(fixed.part.coefficient() == 0.05);
}

TEMPLATE_TEST_CASE("controlled_kl_penalty: what is observed is the mean KL of a response", "", BACKENDS) {
    rollout<TestType> const rollout{.logprobs = grid<TestType>({{-1, -2}, {-1, support::NaN}}),
                                    .ref_logprobs = grid<TestType>({{-1.5, -2.5}, {-2, support::NaN}}),
                                    .rewards = grid<TestType>({{0, 0}, {0, 0}}),
                                    .mask = grid<TestType>({{1, 1}, {1, 0}})};
    auto control = controlled_kl_penalty<k1>{{.kl_coef = 1.0, .kl_target = 0.9, .kl_horizon = 2.0}};
    control.adjust(rollout);  // (1 + 1) / 2 = 1, e = 1/9
    CHECK(control.part.coefficient() == Approx(1.0 + 1.0 / 9.0));
}
