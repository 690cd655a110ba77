// SPDX-License-Identifier: Apache-2.0
#include "../support/aggregations.hpp"
#include "../support/micro_batches.hpp"

using namespace proximal;
using support::difference, support::tolerance;

TEMPLATE_TEST_CASE("token_sum: hand numbers, no weight outside the mask", "", BACKENDS) {
    support::check_weights<TestType>(token_sum{.length = 8}, 1.0 / 24, 1.0 / 24);  // the empty row counts
    support::check_no_weight_outside<TestType>(token_sum{});
}

TEMPLATE_TEST_CASE("token_sum: where every response is as long as it says it is token_mean", "", BACKENDS) {
    TestType const none = 0.0 * support::ragged_mask<TestType>(), full = none + 1.0;
    CHECK(difference(token_sum{.length = 12}(full), token_mean{}(full)) < tolerance);
    CHECK(difference(token_sum{}(none), none) == 0.0);
}

#ifdef PROXIMAL_TEST_LIBTORCH
TEST_CASE("token_sum: the same loss, metrics and gradient for every split") {  // its denominators are constants
    support::check_splits(support::ppo_under(token_sum{}), support::by_fused_pass);
}
#endif
