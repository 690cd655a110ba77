// SPDX-License-Identifier: Apache-2.0
#include "../support/sequence_losses.hpp"

using namespace proximal;
using support::check_sequence_loss, support::judge;

TEST_CASE("gmpo: hand numbers of one token") {
    gmpo const loss{.cliprange_low = 0.3, .cliprange_high = 0.5};
    auto const averaged = [&](double log_ratio, double advantage) {
        return loss.averaged(
            differentiated_token<double>{.logprob = number<double, 3>::variable<0>(log_ratio), .advantage = advantage});
    };
    auto const check = [&](double log_ratio, double advantage, double value, double slope) {
        auto const x = averaged(log_ratio, advantage);
        CHECK(x.value == Approx(value));
        CHECK(x.template partial<0>() == slope);
    };
    check(0.7, 1.0, 0.5, 0.0), check(0.4, 1.0, 0.4, 1.0), check(-0.9, 1.0, -0.9, 1.0);
    check(0.7, -1.0, 0.7, 1.0), check(-0.2, -1.0, -0.2, 1.0), check(-0.9, -1.0, -0.3, 0.0);
    auto const token = support::plain_token{.logprob = 0.7, .advantage = 2.0, .sequence_mean = std::log(1.5)};
    CHECK(judge(loss, token).loss == Approx(-3.0));
    CHECK(judge(loss, token).d_logprob == 0.0);  // clipped
    CHECK(judge(loss, token).metrics[1] == 1.0);
    auto const within = support::plain_token{.logprob = 0.2, .advantage = 2.0, .sequence_mean = std::log(1.5)};
    CHECK(judge(loss, within).d_logprob == Approx(-3.0));
    CHECK(judge(loss, within).metrics[1] == 0.0);
}

TEMPLATE_TEST_CASE("gmpo: hand numbers of a batch", "", BACKENDS) {
    // every response counts ½
    support::check_two_responses<TestType>(gmpo{0.4, 0.1}, 0.5 * (-2 * std::exp(0.05) + std::exp(-0.4)));
}

TEST_CASE("gmpo: Eigen, autograd and the fused pass agree; finite differences through the mean") {
    check_sequence_loss(gmpo{0.1, 0.2});
    check_sequence_loss(total(entropy_bonus{}, weighted(2.0, gmpo{0.1, 0.2})));
    support::check_backends(gmpo{0.1, 0.2});  // advantages that differ by token
}

TEST_CASE("gmpo: it makes a total speak of whole responses, as no loss of tokens does") {
    STATIC_REQUIRE(SequenceLevel<decltype(total(entropy_bonus{}, weighted(2.0, gmpo{})))>);
    STATIC_REQUIRE_FALSE(SequenceLevel<decltype(total(entropy_bonus{}, clipped_surrogate{}))>);
}
