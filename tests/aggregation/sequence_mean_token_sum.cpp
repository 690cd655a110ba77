// SPDX-License-Identifier: Apache-2.0
#include "../support/aggregations.hpp"

using namespace proximal;
using support::difference, support::tolerance;

TEMPLATE_TEST_CASE("sequence_mean_token_sum: hand numbers, no weight outside the mask", "", BACKENDS) {
    support::check_weights<TestType>(sequence_mean_token_sum{}, 0.5, 0.5);
    support::check_no_weight_outside<TestType>(sequence_mean_token_sum{});
}

TEMPLATE_TEST_CASE("sequence_mean_token_sum: the mean length in all; where lengths are alike, that times token_mean",
                   "", BACKENDS) {
    auto const mask = support::ragged_mask<TestType>();
    CHECK(difference(sum(sequence_mean_token_sum{}(mask)), sum(mask) / sum(row_sum(mask) > 0.0)) < tolerance);
    TestType const full = 0.0 * mask + 1.0;
    CHECK(difference(12.0 * token_mean{}(full), sequence_mean_token_sum{}(full)) < tolerance);
}
