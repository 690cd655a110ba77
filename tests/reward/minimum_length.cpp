// SPDX-License-Identifier: Apache-2.0
#include "../support/score_shapers.hpp"

using proximal::minimum_length;

TEMPLATE_TEST_CASE("minimum_length: hand numbers; a minimum of 0 is none", "", BACKENDS) {
    support::check_shaped_scores<TestType>(minimum_length{.min_response_length = 2, .short_response_score = -3},
                                           {-3, -3, 2, 8});
    support::check_same_scores<TestType>(minimum_length{.min_response_length = 0});
}
