// SPDX-License-Identifier: Apache-2.0
#include "../support/backends.hpp"

#include <catch2/catch.hpp>

using namespace proximal;

TEST_CASE("ratio_guard: what it lets pass") {
    CHECK(ratio_guard{.threshold = 10.0}({.ratio = 10.0}) == verdict::take);
    CHECK(ratio_guard{.threshold = 10.0}({.ratio = 10.5}) == verdict::skip);
    CHECK(ratio_guard{.threshold = 10.0}({.approxkl = 100.0, .ratio = 1.0}) == verdict::take);
    CHECK_THROWS_WITH(validate(ratio_guard{1.0}), "--ratio_threshold must be above 1, but is 1.");
}
