// SPDX-License-Identifier: Apache-2.0
#include "../support/backends.hpp"

#include <catch2/catch.hpp>

using namespace proximal;

TEST_CASE("target_kl: what it lets pass") {
    CHECK(target_kl{.target = 0.02}({.approxkl = 0.02}) == verdict::take);
    CHECK(target_kl{.target = 0.02}({.approxkl = 0.021}) == verdict::stop);
    CHECK(target_kl{.target = 0.02}({.approxkl = 0.0, .ratio = 100.0}) == verdict::take);
    CHECK_THROWS_WITH(validate(target_kl{0.0}), "--target_kl must be above 0, but is 0.");
}
