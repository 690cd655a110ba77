// SPDX-License-Identifier: Apache-2.0
#include "../support/token_losses.hpp"

using namespace proximal;
using support::check_backends, support::check_finite_differences, support::judge, support::of_ratio;

TEST_CASE("two_sided_clip: hand numbers, slopes, backends") {
    two_sided_clip const loss{.delta = 3.0};
    CHECK(judge(loss, of_ratio(4.0, -2.0)).loss == 6.0);
    CHECK(judge(loss, of_ratio(4.0, -2.0)).d_logprob == 0.0);
    CHECK(judge(loss, of_ratio(2.0, -2.0)).d_logprob == Approx(4.0));
    CHECK(judge(loss, of_ratio(4.0, 2.0)).loss == Approx(-2.4));
    CHECK(judge(loss, of_ratio(4.0, 2.0)).metrics[1] == 1.0);
    CHECK(judge(loss, of_ratio(0.5, -2.0)).loss == Approx(1.6));
    double const ratio = std::exp(1.25);
    CHECK(judge(two_sided_clip{.delta = ratio}, {.logprob = 1.25, .advantage = -1.0}).d_logprob ==
          ratio);  // at δ it passes
    check_finite_differences(two_sided_clip{.delta = 1.3}), check_backends(two_sided_clip{.delta = 1.3});
}

TEST_CASE("two_sided_clip: at ρ = 1 it has REINFORCE's gradient") { support::check_reinforce_slope(two_sided_clip{}); }
