// SPDX-License-Identifier: Apache-2.0
#include "../support/token_losses.hpp"

using namespace proximal;
using support::check_backends, support::check_finite_differences, support::judge;

TEST_CASE("kl_loss: hand numbers, slopes, backends") {
    auto const token = support::plain_token{.logprob = -1.0, .ref_logprob = -1.0 - std::log(2.0)};
    CHECK(judge(kl_loss<>{.kl_loss_coef = 0.5}, token).loss == Approx(0.5 * (std::log(2.0) - 0.5)));
    CHECK(judge(kl_loss<>{.kl_loss_coef = 0.5}, token).metrics[0] == Approx(std::log(2.0) - 0.5));
    CHECK(judge(kl_loss<k2>{.kl_loss_coef = 0.5}, token).d_logprob == Approx(0.5 * std::log(2.0)));
    CHECK(judge(kl_loss<straight_through<k3>>{.kl_loss_coef = 0.5}, token).loss == Approx(0.5 * (std::log(2.0) - 0.5)));
    CHECK(judge(kl_loss<straight_through<k3>>{.kl_loss_coef = 0.5}, token).d_logprob == Approx(0.5 * std::log(2.0)));
    check_finite_differences(kl_loss<>{}), check_finite_differences(kl_loss<k2>{});
    check_backends(kl_loss<>{}), check_backends(kl_loss<straight_through<k3>>{});
}

TEST_CASE("kl_loss: a reference model is needed") {
    STATIC_REQUIRE(needs_reference<decltype(algorithm{terminal_score{}, gae{}, kl_loss<>{}})>);
}
