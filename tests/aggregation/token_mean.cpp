// SPDX-License-Identifier: Apache-2.0
#include "../support/aggregations.hpp"

using namespace proximal;
using support::difference, support::tolerance;

TEMPLATE_TEST_CASE("token_mean: hand numbers, no weight outside the mask, 1 in all", "", BACKENDS) {
    support::check_weights<TestType>(token_mean{}, 0.2, 0.2);
    support::check_no_weight_outside<TestType>(token_mean{});
    CHECK(difference(sum(token_mean{}(support::ragged_mask<TestType>())), TestType(1.0)) < tolerance);
}
