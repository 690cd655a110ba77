// SPDX-License-Identifier: Apache-2.0
#include "../support/importance.hpp"

using proximal::masked_importance;

TEMPLATE_TEST_CASE("masked_importance: hand numbers", "", BACKENDS) {
    support::check_weighted_advantages<TestType>(masked_importance{.low = 0.3, .high = 3.0},
                                                 {{0, 1, 0}, {-1, -0.5, 0}, {-0.5, 0, 0}, {0, 0, 0}});
}

TEMPLATE_TEST_CASE("masked_importance: on policy nothing changes; a token on a bound stays", "", BACKENDS) {
    support::check_nothing_on_policy<TestType>(masked_importance{});
    support::check_nothing_on_policy<TestType>(masked_importance{.low = 1.0, .high = 1.0});
}
