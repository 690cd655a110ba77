// SPDX-License-Identifier: Apache-2.0
#include <proximal/numeric/functions.hpp>

#include <catch2/catch.hpp>

using namespace proximal;

namespace {

template <class Number>
concept VariableKnownLate = requires {
    Number::variable(1.0, 0);
};

}  // namespace

TEST_CASE("number: a variable whose index is known late is one through which every quantity flows") {
    STATIC_REQUIRE(VariableKnownLate<number<double, 3>>);
    STATIC_REQUIRE(VariableKnownLate<number<double, 1>>);
    STATIC_REQUIRE_FALSE(VariableKnownLate<number<double, 3, 0b010>>);  // it has one cell, not three
    for (int i = 0; i < 3; ++i) {
        auto const x = square(number<double, 3>::variable(2.0, i));
        for (int j = 0; j < 3; ++j) CHECK(x.partials[j] == (i == j ? 4.0 : 0.0));
    }
    CHECK(square(number<double, 3, 0b010>::variable<1>(2.0)).partial<1>() == 4.0);
}
