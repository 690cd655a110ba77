// SPDX-License-Identifier: Apache-2.0
#include "../support/aggregations.hpp"

using namespace proximal;
using support::difference, support::tolerance;

TEMPLATE_TEST_CASE("sequence_mean_token_mean: hand numbers, no weight outside the mask", "", BACKENDS) {
    support::check_weights<TestType>(sequence_mean_token_mean{}, 0.125, 0.5);
    support::check_no_weight_outside<TestType>(sequence_mean_token_mean{});
}

TEMPLATE_TEST_CASE("sequence_mean_token_mean: 1 in all; where all lengths are alike it is token_mean", "", BACKENDS) {
    auto const mask = support::ragged_mask<TestType>();
    CHECK(difference(sum(sequence_mean_token_mean{}(mask)), TestType(1.0)) < tolerance);
    TestType const full = 0.0 * mask + 1.0;
    CHECK(difference(sequence_mean_token_mean{}(full), token_mean{}(full)) < tolerance);
    CHECK(support::read(sequence_mean_token_mean{}(0.0 * mask))(0, 0) == 0.0);
}
