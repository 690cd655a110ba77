// SPDX-License-Identifier: Apache-2.0
#include "../support/backends.hpp"

#include <catch2/catch.hpp>

using namespace proximal;
using support::column, support::difference, support::grid;

TEMPLATE_TEST_CASE("terminal_score_at_eos: on the last response token, nowhere for an empty response", "", BACKENDS) {
    rollout<TestType> const rollout{.rewards = grid<TestType>({{1, 1, 1}, {1, 1, 1}, {1, 1, 1}}),
                                    .mask = grid<TestType>({{1, 1, 1}, {1, 0, 0}, {0, 0, 0}}),
                                    .value_mask = grid<TestType>({{1, 1, 1}, {1, 1, 0}, {1, 0, 0}}),
                                    .scores = column<TestType>({5, 6, 7})};
    CHECK(difference(terminal_score_at_eos{}(rollout).rewards, grid<TestType>({{1, 1, 6}, {7, 1, 1}, {1, 1, 1}})) ==
          0.0);
}

TEMPLATE_TEST_CASE("terminal_score_at_eos: a single step", "", BACKENDS) {
    rollout<TestType> const rollout{.rewards = grid<TestType>({{0}}),
                                    .mask = grid<TestType>({{1}}),
                                    .value_mask = grid<TestType>({{1}}),
                                    .scores = column<TestType>({3})};
    CHECK(difference(terminal_score_at_eos{}(rollout).rewards, grid<TestType>({{3}})) == 0.0);
}
