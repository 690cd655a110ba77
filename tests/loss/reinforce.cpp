// SPDX-License-Identifier: Apache-2.0
#include "../support/token_losses.hpp"

using namespace proximal;
using support::check_backends, support::check_finite_differences, support::judge;

TEST_CASE("reinforce: hand numbers, slopes, backends") {
    auto const token = support::plain_token{.logprob = -0.5, .old_logprob = 3.0, .advantage = 2.0};
    CHECK(judge(reinforce{}, token).loss == 1.0);
    CHECK(judge(reinforce{}, token).d_logprob == -2.0);  // whatever the old policy said
    check_finite_differences(reinforce{}), check_backends(reinforce{});
}

TEST_CASE("reinforce: at ρ = 1 it has REINFORCE's gradient") { support::check_reinforce_slope(reinforce{}); }
