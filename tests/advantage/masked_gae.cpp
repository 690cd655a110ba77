// SPDX-License-Identifier: Apache-2.0
#include "../support/backends.hpp"

#include <catch2/catch.hpp>

using namespace proximal;
using support::as, support::difference, support::grid, support::NaN, support::tolerance;

TEMPLATE_TEST_CASE("masked_gae: hand numbers", "", BACKENDS) {
    rollout<TestType> const rollout{.values = grid<TestType>({{1, NaN, 2}, {NaN, 4, NaN}}),
                                    .rewards = grid<TestType>({{1, NaN, 8}, {NaN, 5, NaN}}),
                                    .value_mask = grid<TestType>({{1, 0, 1}, {0, 1, 0}})};
    auto const judged = masked_gae{.gamma = 0.5, .lam = 0.5}(rollout);
    CHECK(difference(judged.advantages, grid<TestType>({{2.5, 0, 6}, {0, 1, 0}})) < tolerance);
    CHECK(difference(judged.returns, grid<TestType>({{3.5, 0, 8}, {0, 5, 0}})) < tolerance);
}

TEMPLATE_TEST_CASE("masked_gae: without holes it is gae", "", BACKENDS) {
    auto const rollout = as<TestType>(support::random_batch(26, 12, 7).rollout);
    auto const masked = masked_gae{.gamma = 0.9, .lam = 0.8}(rollout), plain = gae{.gamma = 0.9, .lam = 0.8}(rollout);
    CHECK(difference(masked.advantages, plain.advantages) < tolerance);
    CHECK(difference(masked.returns, plain.returns) < tolerance);
}

TEMPLATE_TEST_CASE("masked_gae: holes are as if they were cut out", "", BACKENDS) {
    auto whole = support::random_batch(8, 10, 3);
    auto& x = whole.rollout;
    x.values = support::random_batch(8, 10, 4).now.values;
    std::mt19937 engine(2);
    support::array cut_values(8, 10), cut_rewards(8, 10), cut_mask(8, 10);
    cut_values.cells.setConstant(NaN), cut_rewards.cells.setConstant(NaN), cut_mask.cells.setZero();
    for (int b = 0; b < 8; ++b)
        for (int t = 0, kept = 0; t < 10; ++t) {
            x.value_mask(b, t) = engine() % 3 != 0, x.values(b, t) = 0.1 * b - t,
                            x.rewards(b, t) = std::sin(3.0 * b + t);
            if (x.value_mask(b, t) == 0.0) continue;
            cut_values(b, kept) = x.values(b, t), cut_rewards(b, kept) = x.rewards(b, t), cut_mask(b, kept++) = 1.0;
        }
    auto cut = x;
    cut.values = cut_values, cut.rewards = cut_rewards, cut.value_mask = cut_mask;
    auto const judged = masked_gae{.gamma = 0.9, .lam = 0.8}(as<TestType>(x));
    auto const expected = gae{.gamma = 0.9, .lam = 0.8}(cut);
    auto const got = support::read(judged.advantages);
    for (int b = 0; b < 8; ++b)
        for (int t = 0, kept = 0; t < 10; ++t)
            CHECK(got(b, t) ==
                  Approx(x.value_mask(b, t) == 0.0 ? 0.0 : expected.advantages(b, kept++)).margin(tolerance));
}
