// SPDX-License-Identifier: Apache-2.0
#include "../support/backends.hpp"

#include <catch2/catch.hpp>

using namespace proximal;
using support::column, support::difference, support::grid;

TEMPLATE_TEST_CASE("terminal_score: one step after the response, or on its last where no step is left", "", BACKENDS) {
    rollout<TestType> const rollout{.rewards = grid<TestType>({{1, 1, 1}, {1, 1, 1}, {1, 1, 1}}),
                                    .mask = grid<TestType>({{1, 1, 1}, {1, 0, 0}, {0, 0, 0}}),
                                    .value_mask = grid<TestType>({{1, 1, 1}, {1, 1, 0}, {1, 0, 0}}),
                                    .scores = column<TestType>({5, 6, 7})};
    CHECK(difference(terminal_score{}(rollout).rewards, grid<TestType>({{1, 1, 6}, {1, 7, 1}, {8, 1, 1}})) == 0.0);
}
