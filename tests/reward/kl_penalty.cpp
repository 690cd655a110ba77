// SPDX-License-Identifier: Apache-2.0
#include "../support/backends.hpp"

#include <catch2/catch.hpp>

using namespace proximal;
using support::difference, support::grid, support::NaN, support::tolerance;

TEMPLATE_TEST_CASE("kl_penalty: every response token pays β times the estimate, padding nothing", "", BACKENDS) {
    rollout<TestType> const rollout{.logprobs = grid<TestType>({{-1, -2, NaN}, {-3, NaN, NaN}}),
                                    .ref_logprobs = grid<TestType>({{-1.5, -1, NaN}, {-3, NaN, NaN}}),
                                    .rewards = grid<TestType>({{1, 0, 2}, {0, 1, 0}}),
                                    .mask = grid<TestType>({{1, 1, 0}, {1, 0, 0}})};
    CHECK(difference(kl_penalty<k1>{.kl_coef = 0.5}(rollout).rewards, grid<TestType>({{0.75, 0.5, 2}, {0, 1, 0}})) <
          tolerance);
    CHECK(difference(kl_penalty<k2>{.kl_coef = 2.0}(rollout).rewards, grid<TestType>({{0.75, -1, 2}, {0, 1, 0}})) <
          tolerance);
    CHECK(difference(kl_penalty<k1>{.kl_coef = 0.0}(rollout).rewards, rollout.rewards) == 0.0);
}
