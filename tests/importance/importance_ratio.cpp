// SPDX-License-Identifier: Apache-2.0
#include "../support/importance.hpp"

TEMPLATE_TEST_CASE("importance_ratio: hand numbers; 1 outside the mask", "", BACKENDS) {
    auto const ratio = proximal::importance_ratio(support::sampled_elsewhere<TestType>());
    auto const expected = support::grid<TestType>({{4, 1, 0.25}, {1, 0.5, 1}, {0.5, 1, 1}, {1, 1, 1}});
    CHECK(support::difference(ratio, expected) < support::tolerance);
}
