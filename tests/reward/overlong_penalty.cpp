// SPDX-License-Identifier: Apache-2.0
#include "../support/score_shapers.hpp"

using proximal::overlong_penalty;

TEMPLATE_TEST_CASE("overlong_penalty: hand numbers", "", BACKENDS) {
    support::check_shaped_scores<TestType>(
        overlong_penalty{.max_response_length = 3, .overlong_buffer = 2, .overlong_factor = 4},
        {-4, 1, 0, 4});  // free to 1, half at 2, all from 3 on
}

TEMPLATE_TEST_CASE("overlong_penalty: no response near the maximum pays, every one beyond it pays all", "", BACKENDS) {
    support::check_same_scores<TestType>(overlong_penalty{.max_response_length = 100, .overlong_buffer = 10});
    auto const rollout = support::scored_rollout<TestType>();
    overlong_penalty const strict{.max_response_length = 1e-9, .overlong_buffer = 1e-9, .overlong_factor = 2};
    CHECK(support::difference(strict(rollout).scores, rollout.scores - 2.0 * (row_sum(rollout.mask) > 0.0)) <
          support::tolerance);
}
