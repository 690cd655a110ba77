// SPDX-License-Identifier: Apache-2.0
#include "../support/token_losses.hpp"

using namespace proximal;
using support::as, support::check_algorithm, support::check_whole_batch, support::difference, support::grid,
    support::judge, support::NaN, support::tolerance;

namespace {

/// The whole algorithm of the papers: one advantage a response, every response counts alike.
auto whole(auto const& loss) { return algorithm{terminal_score{}, grpo{4}, loss, sequence_mean_token_mean{}}; }

void check_sequence_loss(auto const& loss) {
    auto const algorithm = whole(loss);
    check_algorithm(algorithm, 28);
    auto const batch = support::random_batch(28, 12, 8);
    check_whole_batch(algorithm, algorithm.evaluate(batch.rollout), batch.now);
}

/// A batch judged by hand: two responses, log-ratios 0.2, 0 | −0.6, advantages 2 and −1.
template <class Array>
std::pair<experience<Array>, prediction<Array>> two_responses() {
    experience<Array> then;
    then.mask = then.value_mask = grid<Array>({{1, 1}, {1, 0}});
    then.logprobs = grid<Array>({{-1, -2}, {-3, NaN}});
    then.advantages = grid<Array>({{2, 2}, {-1, NaN}});
    return {then, {.logprobs = grid<Array>({{-0.8, -2}, {-3.6, NaN}})}};
}

}  // namespace

TEST_CASE("gspo: hand numbers of one token") {
    gspo const loss{.cliprange_low = 0.25, .cliprange_high = 0.5};
    auto const of_mean = [](double ratio, double advantage) {
        return support::plain_token{.logprob = -1.0, .advantage = advantage, .sequence_mean = std::log(ratio)};
    };
    CHECK(judge(loss, of_mean(1.4, 2.0)).loss == Approx(-2.8));
    CHECK(judge(loss, of_mean(1.4, 2.0)).d_logprob == Approx(-2.8));  // its share of the slope
    CHECK(judge(loss, of_mean(1.6, 2.0)).loss == Approx(-3.0));
    CHECK(judge(loss, of_mean(1.6, 2.0)).d_logprob == 0.0);
    CHECK(judge(loss, of_mean(1.6, 2.0)).metrics[1] == 1.0);
    CHECK(judge(loss, of_mean(0.7, -2.0)).loss == Approx(1.5));
    CHECK(judge(loss, of_mean(0.7, -2.0)).d_logprob == 0.0);
    CHECK(judge(loss, of_mean(0.8, -2.0)).d_logprob == Approx(1.6));
    CHECK(judge(loss, of_mean(0.8, -2.0)).metrics[1] == 0.0);
}

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

TEMPLATE_TEST_CASE("sequence losses: hand numbers of a batch", "", BACKENDS) {
    auto const [then, now] = two_responses<TestType>();
    auto const loss = [&](auto const& term) { return whole(term).loss(then, now); };
    // the means of log ρ are 0.1 and −0.6; every response counts ½
    CHECK(difference(loss(gspo{0.9, 0.9}), TestType(0.5 * (-2 * std::exp(0.1) + std::exp(-0.6)))) < tolerance);
    CHECK(difference(loss(gspo{0.1, 0.05}), TestType(0.5 * (-2 * 1.05 + 0.9))) < tolerance);
    CHECK(difference(loss(gmpo{0.4, 0.1}), TestType(0.5 * (-2 * std::exp(0.05) + std::exp(-0.4)))) < tolerance);
}

TEST_CASE("sequence losses: Eigen, autograd and the fused pass agree; finite differences through the mean") {
    check_sequence_loss(gspo{0.1, 0.2}), check_sequence_loss(gmpo{0.1, 0.2});
    check_sequence_loss(total(gspo{}, kl_loss<k3>{}, weighted(0.5, clipped_value{})));
    check_sequence_loss(total(entropy_bonus{}, weighted(2.0, gmpo{0.1, 0.2})));
    support::check_backends(gspo{0.1, 0.2}),
        support::check_backends(gmpo{0.1, 0.2});  // advantages that differ by token
}

TEST_CASE("sequence losses: with responses of one token they are the token's losses") {
    auto batch = support::random_batch(28, 1, 8);
    batch.rollout.mask = batch.rollout.value_mask = 0.0 * batch.rollout.mask + 1.0;
    batch.rollout.logprobs = support::array(0.0 * batch.rollout.mask - 1.0),
    batch.rollout.values = batch.rollout.logprobs;
    for (int b = 0; b < 28; ++b) batch.now.logprobs.cells(b, 0) = -1.0 + 0.03 * (b - 14);
    auto const judge = [&](auto const& loss) {
        auto const algorithm = whole(loss);
        return eigen::loss_and_gradient(algorithm, algorithm.evaluate(batch.rollout), batch.now);
    };
    auto const by_token = judge(clip_higher{0.1, 0.2}), by_sequence = judge(gspo{0.1, 0.2});
    CHECK(by_sequence.loss == Approx(by_token.loss).epsilon(tolerance));
    CHECK(difference(by_sequence.gradient.logprobs, by_token.gradient.logprobs) < tolerance);
}

TEST_CASE("sequence losses: the same for every split of a mini-batch; what they need; one to a total") {
    auto const batch = support::random_batch(28, 12, 8);
    auto const algorithm =
        proximal::algorithm{terminal_score{}, grpo{4}, gspo{0.1, 0.2}, over_mini_batch<sequence_mean_token_mean>{}};
    auto const judged = algorithm.evaluate(batch.rollout);
    double const expected = algorithm.loss(judged, batch.now)(0, 0);
    auto const weighed = weigh(algorithm, judged, 4.0);
    double loss = 0.0;
    for (int part = 0; part < 4; ++part) {
        std::vector<int> index;
        for (int b = part; b < 28; b += 4) index.push_back(b);
        loss += algorithm.loss(rows(weighed, index), rows(batch.now, index))(0, 0) / 4.0;
    }
    CHECK(loss == Approx(expected).epsilon(tolerance));
    STATIC_REQUIRE(SequenceLevel<decltype(total(entropy_bonus{}, weighted(2.0, gmpo{})))>);
    STATIC_REQUIRE_FALSE(SequenceLevel<decltype(total(entropy_bonus{}, clipped_surrogate{}))>);
    STATIC_REQUIRE_FALSE(needs_critic<decltype(algorithm)>);
    STATIC_REQUIRE_FALSE(needs_reference<decltype(algorithm)>);
}
