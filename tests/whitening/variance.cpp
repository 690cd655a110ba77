// SPDX-License-Identifier: Apache-2.0
#include "../support/two_scales.hpp"

using namespace proximal;
using support::difference, support::tolerance;

TEMPLATE_TEST_CASE("variance: hand numbers of biased and unbiased", "", BACKENDS) {
    support::two_scales<TestType> const hand;
    auto const check = [&](TestType const& whitened, double divisor) {
        double const deviation = std::sqrt(hand.squares / divisor + hand.epsilon);
        hand.check(whitened, -10 / deviation, -8 / deviation, -1 / deviation, 19 / deviation);
    };
    check(whitened<zero_mean, biased>(hand.x, hand.mask), 4);
    check(whitened<zero_mean, unbiased>(hand.x, hand.mask), 3);
}

TEMPLATE_TEST_CASE("variance: the variance is the one asked for", "", BACKENDS) {
    support::whitened_batch<TestType> const batch;
    double const n = support::read(sum(batch.mask))(0, 0);
    batch.check_variance(whitened<zero_mean, biased>(batch.x, batch.mask), n / (n - 1));
    batch.check_variance(whitened<zero_mean, unbiased>(batch.x, batch.mask), 1.0);
}
