// SPDX-License-Identifier: Apache-2.0
#include "../support/token_losses.hpp"

using namespace proximal;
using support::check_backends, support::check_finite_differences, support::judge, support::of_ratio;

TEST_CASE("sapo: hand numbers, slopes, backends") {
    sapo const loss{.tau_pos = 1.0, .tau_neg = 2.0};
    CHECK(judge(loss, of_ratio(1.0, 3.0)).loss == -6.0);  // −Â · 4/τ · ½
    CHECK(judge(loss, of_ratio(1.0, -3.0)).loss == 3.0);
    CHECK(judge(loss, of_ratio(1.0, 3.0)).d_logprob == -3.0);  // REINFORCE's at ρ = 1, for every τ
    CHECK(judge(loss, of_ratio(1.0, -3.0)).d_logprob == 3.0);
    CHECK(judge(loss, of_ratio(2.0, -3.0)).loss == Approx(3.0 * 2.0 / (1.0 + std::exp(-2.0))));
    check_finite_differences(loss), check_backends(sapo{});  // 1.05: no float
}

TEST_CASE("sapo: at ρ = 1 it has REINFORCE's gradient") { support::check_reinforce_slope(sapo{}); }
