// SPDX-License-Identifier: Apache-2.0
#include "../support/score_shapers.hpp"

using proximal::missing_eos_score;

TEMPLATE_TEST_CASE("missing_eos_score: hand numbers", "", BACKENDS) {
    support::check_shaped_scores<TestType>(missing_eos_score{-1.0}, {-1, -1, 2, 8});
}
