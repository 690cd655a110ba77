// SPDX-License-Identifier: Apache-2.0
#include "../support/backends.hpp"

#include <catch2/catch.hpp>

using namespace proximal;
using support::difference, support::grid;

TEMPLATE_TEST_CASE("constant_lambda: the same λ for every token", "", BACKENDS) {
    auto const mask = grid<TestType>({{1, 1, 1, 1}, {1, 1, 0, 0}, {1, 0, 0, 0}, {0, 0, 0, 0}});
    CHECK(difference(constant_lambda{0.5}(mask), 0.0 * mask + 0.5) == 0.0);
}
