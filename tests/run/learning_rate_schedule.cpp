// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <proximal/run/learning_rate_schedule.hpp>

using namespace proximal;
using namespace proximal::run;

TEST_CASE("learning_rate_schedule: hand numbers") {
    auto const linear = schedule_by_name("linear", 4, 0);
    CHECK(linear(0) == 1.0);
    CHECK(linear(1) == 0.75);
    CHECK(linear(4) == 0.0);
    CHECK(linear(9) == 0.0);
    auto const warm = schedule_by_name("linear", 10, 2);
    CHECK(warm(0) == 0.0);
    CHECK(warm(1) == 0.5);
    CHECK(warm(2) == 1.0);
    CHECK(warm(6) == 0.5);
    CHECK(schedule_by_name("cosine", 4, 0)(2) == Approx(0.5));
    CHECK(schedule_by_name("constant", 4, 3)(0) == 1.0);
    CHECK(schedule_by_name("constant_with_warmup", 4, 2)(1) == 0.5);
    CHECK(schedule_by_name("constant_with_warmup", 4, 2)(3) == 1.0);
    CHECK_THROWS_WITH(schedule_by_name("lineer", 4, 0), Catch::Contains("choose linear, cosine"));
}
