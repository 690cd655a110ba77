// SPDX-License-Identifier: Apache-2.0
#include "../support/backends.hpp"

#include <catch2/catch.hpp>

using namespace proximal;

TEST_CASE("fixed_kl: whatever it is told, it stays") {
    fixed_kl control{.kl_coef = 0.1};
    control.observe(100.0, 64.0);
    CHECK(control.coefficient() == 0.1);
    CHECK_THROWS_WITH(validate(fixed_kl{-1.0}), "--kl_coef must be at least 0, but is -1.");
}
