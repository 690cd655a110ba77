// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <catch2/catch.hpp>
#include <proximal/text/held_out.hpp>

using namespace proximal::text;

TEST_CASE("held_out: a share of the rows, the same for a seed, at least one, never all") {
    auto const count = [](std::vector<bool> const& rows) { return std::count(rows.begin(), rows.end(), true); };
    CHECK(count(held_out(100, 0.05, 1)) == 5);
    CHECK(held_out(100, 0.05, 1) == held_out(100, 0.05, 1));
    CHECK(held_out(100, 0.05, 1) != held_out(100, 0.05, 2));
    CHECK(count(held_out(10, 0.01, 3)) == 1);
    CHECK(count(held_out(10, 0.0, 3)) == 0);
    CHECK_THROWS_WITH(held_out(1, 0.5, 3), Catch::Contains("too few to set some aside"));
    CHECK_THROWS_WITH(held_out(10, 1.0, 3), Catch::Contains("must lie in [0, 1)"));
}
