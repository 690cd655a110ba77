// SPDX-License-Identifier: Apache-2.0
#include "../support/two_scales.hpp"

using namespace proximal;
using support::difference, support::tolerance;

TEMPLATE_TEST_CASE("whitened: hand numbers", "", BACKENDS) {
    support::two_scales<TestType> const hand;
    double const deviation = std::sqrt(hand.squares / 3 + hand.epsilon);
    hand.check(whitened(hand.x, hand.mask), -10 / deviation, -8 / deviation, -1 / deviation, 19 / deviation);
}

TEMPLATE_TEST_CASE("whitened: unless something else is asked for, mean 0 and unbiased variance 1", "", BACKENDS) {
    support::whitened_batch<TestType> const batch;
    batch.check_mean(whitened(batch.x, batch.mask), TestType(0.0));
    batch.check_variance(whitened(batch.x, batch.mask), 1.0);
}
