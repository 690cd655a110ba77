// SPDX-License-Identifier: Apache-2.0
#include "../support/two_scales.hpp"

using namespace proximal;
using support::difference, support::tolerance;

TEMPLATE_TEST_CASE("centre: hand numbers of kept_mean; zero_mean puts it at 0", "", BACKENDS) {
    support::two_scales<TestType> const hand;
    double const mean = hand.mean, deviation = std::sqrt(hand.squares / 3 + hand.epsilon);
    hand.check(whitened<kept_mean>(hand.x, hand.mask), mean - 10 / deviation, mean - 8 / deviation,
               mean - 1 / deviation, mean + 19 / deviation);
    hand.check(whitened<zero_mean>(hand.x, hand.mask), -10 / deviation, -8 / deviation, -1 / deviation, 19 / deviation);
}

TEMPLATE_TEST_CASE("centre: the mean is the one asked for", "", BACKENDS) {
    support::whitened_batch<TestType> const batch;
    batch.check_mean(whitened<kept_mean>(batch.x, batch.mask), masked_mean(batch.x, batch.mask));
    batch.check_mean(whitened<zero_mean>(batch.x, batch.mask), TestType(0.0));
}
