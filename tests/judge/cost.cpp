// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <proximal/judge/cost.hpp>
#include <string>

using namespace proximal::judge;

TEST_CASE("cost: prices are for a million tokens; an estimate is a token for four bytes") {
    CHECK(cost({2'000'000, 500'000}, {0.15, 0.6}) == Approx(0.6));
    CHECK(cost({1000, 1000}, {}) == 0.0);
    CHECK(estimated_usage(std::string(400, 'x'), 8) == token_usage{108, 8});
}

TEST_CASE("cost_meter: requests in flight cannot pass the cap together") {
    cost_meter meter({1.0, 0.0}, 3.0);
    token_usage const million{1'000'000, 0};
    double const first = meter.reserve(million);
    meter.reserve(million);
    meter.reserve(million);
    CHECK_THROWS_WITH(meter.reserve(million), Catch::Contains("come to 0 of --judge_max_cost 3: raise it"));
    meter.settle(first, {500'000, 0});  // it took less
    CHECK(meter.spent() == Approx(0.5));
    CHECK_THROWS_AS(meter.reserve(million), cost_cap_reached);
    CHECK_NOTHROW(meter.reserve({400'000, 0}));
    CHECK(meter.usage() == token_usage{500'000, 0});
    cost_meter free({1.0, 1.0});
    for (int i = 0; i < 100; ++i) CHECK_NOTHROW(free.reserve(million));
}
