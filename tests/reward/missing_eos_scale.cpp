// SPDX-License-Identifier: Apache-2.0
#include "../support/score_shapers.hpp"

using proximal::missing_eos_scale;

TEMPLATE_TEST_CASE("missing_eos_scale: hand numbers; a factor of 1 is none", "", BACKENDS) {
    support::check_shaped_scores<TestType>(missing_eos_scale{0.25}, {-1, 0.25, 2, 8});
    support::check_same_scores<TestType>(missing_eos_scale{1.0});
}

TEST_CASE("missing_eos_scale: a factor outside [0, 1] is refused by its flag") {
    CHECK_THROWS_WITH(validate(missing_eos_scale{2.0}), "--missing_eos_scale must be in [0, 1], but is 2.");
}
