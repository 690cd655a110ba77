// SPDX-License-Identifier: Apache-2.0
#include "../support/token_losses.hpp"

using namespace proximal;
using support::check_backends, support::judge, support::of_ratio;

TEST_CASE("cispo: hand numbers, backends; the weight carries no gradient") {
    cispo const loss{.cliprange_low = 0.5, .cliprange_high = 0.25};
    auto const clipped = judge(loss, {.logprob = -1.0, .old_logprob = -1.0 - std::log(2.0), .advantage = 2.0});
    CHECK(clipped.loss == Approx(-2.0 * 1.25 * -1.0));
    CHECK(clipped.d_logprob == Approx(-2.0 * 1.25));  // still learns
    CHECK(clipped.metrics[1] == 1.0);
    auto const within = judge(loss, {.logprob = -1.0, .old_logprob = -1.0 - std::log(1.125), .advantage = -2.0});
    CHECK(within.d_logprob == Approx(2.0 * 1.125));
    CHECK(within.metrics[1] == 0.0);
    CHECK(judge(loss, of_ratio(0.25, 1.0)).d_logprob == -0.5);
    CHECK(judge(loss, of_ratio(0.25, 1.0)).metrics[1] == 1.0);
    CHECK(judge(cispo{}, of_ratio(0.25, 1.0)).d_logprob == Approx(-0.25));  // 1 leaves the lower side open
    check_backends(loss);
}

TEST_CASE("cispo: at ρ = 1 it has REINFORCE's gradient") { support::check_reinforce_slope(cispo{}); }

TEST_CASE("cispo: no reference model is needed") {
    STATIC_REQUIRE_FALSE(needs_reference<decltype(algorithm{terminal_score{}, gae{}, cispo{}})>);
}
