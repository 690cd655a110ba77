// SPDX-License-Identifier: Apache-2.0
#include "../support/importance.hpp"

using proximal::sequence_masked_importance;

TEMPLATE_TEST_CASE("sequence_masked_importance: hand numbers", "", BACKENDS) {
    // geometric means: 1, √½ = 0.707, and ½
    support::check_weighted_advantages<TestType>(sequence_masked_importance{.low = 0.9, .high = 1.1},
                                                 {{4, 1, 0.25}, {0, 0, 0}, {0, 0, 0}, {0, 0, 0}});
    support::check_weighted_advantages<TestType>(sequence_masked_importance{.low = 0.6, .high = 0.9},
                                                 {{0, 0, 0}, {-1, -0.5, 0}, {0, 0, 0}, {0, 0, 0}});
}

TEMPLATE_TEST_CASE("sequence_masked_importance: on policy nothing changes; a response on a bound stays", "", BACKENDS) {
    support::check_nothing_on_policy<TestType>(sequence_masked_importance{.low = 1.0, .high = 1.0});
}
