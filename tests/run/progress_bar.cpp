// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <proximal/run/progress_bar.hpp>

using namespace proximal::run;

TEST_CASE("clock_text") {
    CHECK(clock_text(62) == "01:02");
    CHECK(clock_text(3725.4) == "1:02:05");
}

TEST_CASE("duration_text") {
    CHECK(duration_text(45.2) == "45s");
    CHECK(duration_text(130) == "2m10s");
    CHECK(duration_text(3725.4) == "1h02m");
    CHECK(duration_text(-1) == "0s");
}
