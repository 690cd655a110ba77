// SPDX-License-Identifier: Apache-2.0
#include "../support/token_losses.hpp"

using namespace proximal;
using support::check_backends, support::check_finite_differences, support::judge;

namespace {
auto of_ratio(double ratio, double advantage) {
    return support::plain_token{.logprob = std::log(ratio), .advantage = advantage};
}
}  // namespace

TEST_CASE("reinforce: hand numbers, slopes, backends") {
    auto const token = support::plain_token{.logprob = -0.5, .old_logprob = 3.0, .advantage = 2.0};
    CHECK(judge(reinforce{}, token).loss == 1.0);
    CHECK(judge(reinforce{}, token).d_logprob == -2.0);  // whatever the old policy said
    check_finite_differences(reinforce{}), check_backends(reinforce{});
}

TEST_CASE("clip_higher: hand numbers, slopes, backends") {
    clip_higher const loss{.cliprange_low = 0.25, .cliprange_high = 0.5};
    CHECK(judge(loss, of_ratio(1.4, 2.0)).d_logprob == Approx(-2.8));  // within the wider upper range
    CHECK(judge(loss, of_ratio(1.6, 2.0)).loss == Approx(-3.0));
    CHECK(judge(loss, of_ratio(1.6, 2.0)).d_logprob == 0.0);
    CHECK(judge(loss, of_ratio(1.6, 2.0)).metrics == std::vector<double>{judge(loss, of_ratio(1.6, 2.0)).loss, 1.0});
    CHECK(judge(loss, of_ratio(0.7, -2.0)).loss == Approx(1.5));
    CHECK(judge(loss, of_ratio(0.7, -2.0)).d_logprob == 0.0);
    CHECK(judge(loss, of_ratio(0.8, -2.0)).d_logprob == Approx(1.6));
    check_finite_differences(loss), check_backends(loss);
}

TEST_CASE("clip_higher: with equal ranges it is clipped_surrogate") {
    for (double advantage : {-1.5, 0.0, 1.5})
        for (double ratio : {0.5, 0.8, 1.0, 1.1, 1.2, 2.0}) {
            auto const a = judge(clip_higher{.cliprange_low = 0.2, .cliprange_high = 0.2}, of_ratio(ratio, advantage));
            auto const b = judge(clipped_surrogate{.cliprange = 0.2}, of_ratio(ratio, advantage));
            CHECK((a.loss == b.loss && a.d_logprob == b.d_logprob && a.metrics == b.metrics));
        }
}

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

TEST_CASE("sapo: hand numbers, slopes, backends") {
    sapo const loss{.tau_pos = 1.0, .tau_neg = 2.0};
    CHECK(judge(loss, of_ratio(1.0, 3.0)).loss == -6.0);  // −Â · 4/τ · ½
    CHECK(judge(loss, of_ratio(1.0, -3.0)).loss == 3.0);
    CHECK(judge(loss, of_ratio(1.0, 3.0)).d_logprob == -3.0);  // REINFORCE's at ρ = 1, for every τ
    CHECK(judge(loss, of_ratio(1.0, -3.0)).d_logprob == 3.0);
    CHECK(judge(loss, of_ratio(2.0, -3.0)).loss == Approx(3.0 * 2.0 / (1.0 + std::exp(-2.0))));
    check_finite_differences(loss), check_backends(sapo{});  // 1.05: no float
}

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

TEST_CASE("positive_lm: hand numbers, slopes, backends; the score is read only where it is asked for") {
    positive_lm const loss{.coef = 0.5, .threshold = 1.0};
    auto const good = judge(loss, {.logprob = -2.0, .score = 1.5});
    CHECK((good.loss == 1.0 && good.d_logprob == -0.5 && good.metrics == std::vector<double>{2.0, 1.0}));
    auto const bad = judge(loss, {.logprob = -2.0, .score = 1.0});
    CHECK((bad.loss == 0.0 && bad.d_logprob == 0.0 && bad.metrics == std::vector<double>{0.0, 0.0}));
    check_finite_differences(positive_lm{}), check_backends(positive_lm{});
    STATIC_REQUIRE(reads_score<decltype(total(clip_higher{}, positive_lm{}))>);
    STATIC_REQUIRE_FALSE(reads_score<decltype(total(clip_higher{}, clipped_value{}))>);
}

TEST_CASE("entropy_bonus: hand numbers, slopes, backends") {
    auto const judged = judge(entropy_bonus{.entropy_coef = 0.25}, {.entropy = 2.0});
    CHECK((judged.loss == -0.5 && judged.d_entropy == -0.25 && judged.metrics[0] == 2.0));
    check_finite_differences(entropy_bonus{}), check_backends(entropy_bonus{});
}

TEST_CASE("policy losses: at ρ = 1 every one has REINFORCE's gradient") {
    for (double advantage : {-1.5, 1.5}) {
        auto const slope = [&](auto const& loss) {
            return judge(loss, {.logprob = -2.0, .old_logprob = -2.0, .advantage = advantage}).d_logprob;
        };
        for (double d : {slope(reinforce{}), slope(clipped_surrogate{}), slope(clip_higher{}), slope(dual_clip{}),
                         slope(two_sided_clip{}), slope(cispo{}), slope(sapo{})})
            CHECK(d == Approx(-advantage));
    }
}

TEST_CASE("policy losses: what they need") {
    auto const with = [](auto loss) { return algorithm{terminal_score{}, gae{}, loss}; };
    STATIC_REQUIRE(needs_reference<decltype(with(kl_loss<>{}))>);
    STATIC_REQUIRE_FALSE(needs_reference<decltype(with(cispo{}))>);
    STATIC_REQUIRE(needs_entropy<decltype(with(total(sapo{}, entropy_bonus{})))>);
    STATIC_REQUIRE_FALSE(needs_entropy<decltype(with(dual_clip{}))>);
}
