// SPDX-License-Identifier: Apache-2.0
#include "../support/backends.hpp"

#include <catch2/catch.hpp>

using namespace proximal;

TEST_CASE("unguarded: every step passes") { CHECK(unguarded{}({.approxkl = 1e9, .ratio = 1e9}) == verdict::take); }
