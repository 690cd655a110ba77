// SPDX-License-Identifier: Apache-2.0
#include "../support/score_shapers.hpp"

using proximal::length_penalty;

TEMPLATE_TEST_CASE("length_penalty: hand numbers; a price of 0 is none", "", BACKENDS) {
    support::check_shaped_scores<TestType>(length_penalty{0.5}, {-4, 0.5, 1, 6});
    support::check_same_scores<TestType>(length_penalty{0.0});
}

TEST_CASE("length_penalty: a price below 0 is refused by its flag") {
    CHECK_THROWS_WITH(validate(length_penalty{-1.0}), "--length_penalty must be at least 0, but is -1.");
}
