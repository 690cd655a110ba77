// SPDX-License-Identifier: Apache-2.0
#include <proximal/proximal.hpp>

#include <catch2/catch.hpp>
#include <limits>

using namespace proximal;

TEST_CASE("validate: a knob out of its range is refused in a sentence") {
    auto const make = [](double penalty, double gamma, double clip) {
        return algorithm{chain(optionally(missing_eos_penalty{penalty}), terminal_score{}), gae{.gamma = gamma},
                         total(weighted(0.5, clipped_surrogate{.cliprange = clip}))};
    };
    double const infinite = std::numeric_limits<double>::infinity(), NaN = infinite - infinite;
    CHECK_NOTHROW(validate(make(0.0, 1.0, 0.2)));
    CHECK_NOTHROW(validate(make(3.0, 0.0, 1e-9)));
    CHECK_THROWS_WITH(validate(make(-1.0, 1.0, 0.2)), "--missing_eos_penalty must be at least 0, but is -1.");
    CHECK_THROWS_WITH(validate(make(1.0, 1.5, 0.2)), "--gamma must be in [0, 1], but is 1.5.");
    CHECK_THROWS_WITH(validate(make(1.0, 1.0, 0.0)), "--cliprange must be above 0, but is 0.");
    CHECK_THROWS_WITH(validate(make(1.0, NaN, 0.2)), Catch::Contains("--gamma must be a finite number"));
    CHECK_THROWS_AS(validate(make(infinite, 1.0, 0.2)), std::invalid_argument);
}

TEST_CASE("range: what it contains, and how it reads") {
    CHECK(describe(range{}) == "finite");
    CHECK(describe(at_least(0)) == "at least 0");
    CHECK(describe(above(0)) == "above 0");
    CHECK(describe(between(0, 1)) == "in [0, 1]");
    STATIC_REQUIRE(between(0, 1).contains(0) && between(0, 1).contains(1) && !between(0, 1).contains(1.0000001));
    STATIC_REQUIRE(!above(0).contains(0) && at_least(0).contains(0));
    STATIC_REQUIRE(!range{}.contains(std::numeric_limits<double>::infinity()));
    STATIC_REQUIRE(!range{}.contains(std::numeric_limits<double>::quiet_NaN()));
}
