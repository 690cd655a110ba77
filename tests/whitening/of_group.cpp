// SPDX-License-Identifier: Apache-2.0
#include "../support/two_scales.hpp"

using namespace proximal;
using support::difference, support::tolerance;

TEMPLATE_TEST_CASE("of_group: hand numbers", "", BACKENDS) {
    support::two_scales<TestType> const hand;
    double const e = hand.epsilon, u = std::sqrt(2.0 + e), v = std::sqrt(200.0 + e);  // unbiased deviations
    hand.check(whitened(hand.x, hand.mask, of_group{2}), -1 / u, 1 / u, -10 / v, 10 / v);
    double const s = std::sqrt(1 + e), t = std::sqrt(100 + e);  // and biased ones
    hand.check(whitened<kept_mean, biased>(hand.x, hand.mask, of_group{2}), 2 - 1 / s, 2 + 1 / s, 20 - 10 / t,
               20 + 10 / t);
}

TEMPLATE_TEST_CASE("of_group: the mean of every group is 0, and one group is the batch", "", BACKENDS) {
    support::whitened_batch<TestType> const batch;
    auto const by = [&](int group_size) { return whitened(batch.x, batch.mask, of_group{group_size}); };
    CHECK(difference(group_mean(TestType(row_sum(by(4))), 4), 0.0 * row_sum(batch.mask)) < tolerance);
    CHECK(difference(by(28), whitened(batch.x, batch.mask)) < tolerance);
    CHECK_THROWS_WITH(by(3), Catch::Contains("28 rows do not divide into groups of 3"));
}
