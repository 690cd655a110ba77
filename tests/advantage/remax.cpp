// SPDX-License-Identifier: Apache-2.0
#include "../support/backends.hpp"

#include <catch2/catch.hpp>

using namespace proximal;
using support::as, support::column, support::difference, support::grid, support::NaN, support::tolerance;

TEMPLATE_TEST_CASE("remax: hand numbers", "", BACKENDS) {
    rollout<TestType> const rollout{.rewards = grid<TestType>({{1, 0, 8}, {1, 4, NaN}}),
                                    .mask = grid<TestType>({{1, 1, 0}, {1, 0, 0}}),
                                    .value_mask = grid<TestType>({{1, 1, 1}, {1, 1, 0}}),
                                    .baseline_scores = column<TestType>({2, -1})};
    auto const judged = remax{.gamma = 0.5}(rollout);
    CHECK(difference(judged.returns, grid<TestType>({{3, 4, 8}, {3, 4, 0}})) < tolerance);
    CHECK(difference(judged.advantages, grid<TestType>({{1, 2, 0}, {4, 0, 0}})) < tolerance);
}

TEMPLATE_TEST_CASE("remax: laws", "", BACKENDS) {
    auto rollout = as<TestType>(support::random_batch(26, 12, 7).rollout);
    auto const judge = [](auto const& x) { return remax{}(terminal_score{}(x)); };
    auto const before = judge(rollout);
    auto shifted = rollout;  // a constant on the reward model changes nothing
    shifted.scores = shifted.scores + 5.0, shifted.baseline_scores = shifted.baseline_scores + 5.0;
    CHECK(difference(judge(shifted).advantages, before.advantages) < tolerance);
    auto none = rollout;  // without a baseline it is the return
    none.baseline_scores = 0.0 * none.baseline_scores;
    CHECK(difference(judge(none).advantages,
                     select(rollout.mask, discounted_returns{}(terminal_score{}(rollout)).advantages, 0.0)) <
          tolerance);
}

TEST_CASE("remax: a greedy baseline is asked for, and no critic") {
    using remax_algorithm = decltype(algorithm{terminal_score{}, remax{}, reinforce{}});
    STATIC_REQUIRE(needs_baseline<remax_algorithm>);
    STATIC_REQUIRE_FALSE(needs_critic<remax_algorithm>);
    STATIC_REQUIRE_FALSE(needs_reference<remax_algorithm>);
    STATIC_REQUIRE_FALSE(needs_baseline<decltype(algorithm{terminal_score{}, rloo{}, reinforce{}})>);
}
