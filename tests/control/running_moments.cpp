// SPDX-License-Identifier: Apache-2.0
#include "../support/backends.hpp"

#include <catch2/catch.hpp>

using namespace proximal;
using support::column;

TEMPLATE_TEST_CASE("running_moments: batch by batch they are those of all numbers at once", "", BACKENDS) {
    running_moments two;
    two.absorb(column<TestType>({1.0, 5.0}));
    CHECK(two.deviation() == Approx(std::sqrt(8.0)));
    running_moments seen;
    CHECK(seen.deviation() == 1.0);
    seen.absorb(column<TestType>({1.0, 2.0, 6.0}));
    CHECK((seen.count == 3.0 && seen.mean == Approx(3.0) && seen.deviation() == Approx(std::sqrt(7.0))));
    seen.absorb(column<TestType>({-4.0}));
    CHECK((seen.count == 4.0 && seen.mean == Approx(1.25)));
    CHECK(seen.deviation() == Approx(std::sqrt((0.0625 + 0.5625 + 22.5625 + 27.5625) / 3.0)));
    seen.absorb(column<TestType>({1.25, 1.25}));
    CHECK((seen.mean == Approx(1.25) && seen.deviation() == Approx(std::sqrt(50.75 / 5.0))));
}
