// SPDX-License-Identifier: Apache-2.0
#include "../support/two_scales.hpp"

using namespace proximal;
using support::difference, support::tolerance;

TEMPLATE_TEST_CASE("of_batch: all numbers share one total; it is the scope where none is named", "", BACKENDS) {
    support::two_scales<TestType> const hand;
    CHECK(difference(of_batch{}.total(hand.mask), TestType(4.0)) == 0.0);
    CHECK(difference(whitened(hand.x, hand.mask, of_batch{}), whitened(hand.x, hand.mask)) == 0.0);
}
