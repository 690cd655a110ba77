// SPDX-License-Identifier: Apache-2.0
#include "../support/token_losses.hpp"

using namespace proximal;
using support::as, support::column, support::difference, support::grid, support::tolerance;

TEMPLATE_TEST_CASE("drop_flat_groups: hand numbers", "", BACKENDS) {
    rollout<TestType> const rollout{.mask = grid<TestType>({{1, 0}, {1, 0}, {1, 0}, {1, 1}, {1, 0}, {1, 1}}),
                                    .value_mask = grid<TestType>({{1, 0}, {1, 0}, {1, 1}, {1, 1}, {1, 1}, {1, 1}}),
                                    .scores = column<TestType>({0.1, 0.1, 2, 1, -0.5, -0.5})};
    auto const kept = drop_flat_groups{2}(rollout);
    CHECK(difference(kept.mask, grid<TestType>({{0, 0}, {0, 0}, {1, 0}, {1, 1}, {0, 0}, {0, 0}})) == 0.0);
    CHECK(difference(kept.value_mask, grid<TestType>({{0, 0}, {0, 0}, {1, 1}, {1, 1}, {0, 0}, {0, 0}})) == 0.0);
    CHECK_THROWS_WITH(drop_flat_groups{4}(rollout), Catch::Contains("6 rows do not divide into groups of 4"));
}

TEMPLATE_TEST_CASE("drop_flat_groups: the loss is that of the batch without them", "", BACKENDS) {
    auto batch = support::random_batch(28, 12, 8);
    for (int b = 8; b < 12; ++b) batch.rollout.scores(b, 0) = 1.0;  // the third group: lengths 7 to 10
    std::vector<int> others;
    for (int b = 0; b < 28; ++b)
        if (b < 8 || b >= 12) others.push_back(b);
    auto const filtered = algorithm{chain(drop_flat_groups{4}, terminal_score{}), grpo{4}, clipped_surrogate{}};
    auto const plain = algorithm{terminal_score{}, grpo{4}, clipped_surrogate{}};
    auto const now = as<TestType>(batch.now);
    auto const got = filtered.loss(filtered.evaluate(as<TestType>(batch.rollout)), now);
    auto const fewer = as<TestType>(rows(batch.rollout, others));
    auto const expected = plain.loss(plain.evaluate(fewer), as<TestType>(rows(batch.now, others)));
    CHECK(difference(got, expected) < tolerance);
    CHECK(difference(got, plain.loss(plain.evaluate(as<TestType>(batch.rollout)), now)) > 1e-6);
}
