// SPDX-License-Identifier: Apache-2.0
#include "../support/token_losses.hpp"

using namespace proximal;
using support::check_backends, support::check_finite_differences, support::judge, support::of_ratio;

TEST_CASE("dual_clip: hand numbers, slopes, backends") {
    dual_clip const loss{.clip_c = 3.0};
    CHECK(judge(loss, of_ratio(4.0, -2.0)).loss == 6.0);  // −c Â, not 8
    CHECK(judge(loss, of_ratio(4.0, -2.0)).d_logprob == 0.0);
    CHECK(judge(loss, of_ratio(4.0, -2.0)).metrics == std::vector<double>{6.0, 0.0, 1.0});
    CHECK(judge(loss, of_ratio(2.0, -2.0)).loss == Approx(4.0));
    CHECK(judge(loss, of_ratio(2.0, -2.0)).d_logprob == Approx(4.0));
    CHECK(judge(loss, of_ratio(4.0, 2.0)).loss == Approx(-2.4));  // a good token has its clip, no ceiling
    CHECK(judge(loss, of_ratio(4.0, 2.0)).metrics ==
          std::vector<double>{judge(loss, of_ratio(4.0, 2.0)).loss, 1.0, 0.0});
    CHECK(judge(loss, of_ratio(0.5, -2.0)).loss == Approx(1.6));
    check_finite_differences(loss), check_backends(dual_clip{.clip_c = 1.1});
}

TEST_CASE("dual_clip: at ρ = 1 it has REINFORCE's gradient") { support::check_reinforce_slope(dual_clip{}); }

TEST_CASE("dual_clip: no entropy is needed") {
    STATIC_REQUIRE_FALSE(needs_entropy<decltype(algorithm{terminal_score{}, gae{}, dual_clip{}})>);
}
