// SPDX-License-Identifier: Apache-2.0
#include "../support/score_shapers.hpp"

using proximal::missing_eos_penalty;

TEMPLATE_TEST_CASE("missing_eos_penalty: hand numbers", "", BACKENDS) {
    support::check_shaped_scores<TestType>(missing_eos_penalty{1.5}, {-5.5, -0.5, 2, 8});
}
