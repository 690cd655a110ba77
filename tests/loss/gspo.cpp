// SPDX-License-Identifier: Apache-2.0
#include "../support/sequence_losses.hpp"

using namespace proximal;
using support::check_sequence_loss, support::difference, support::judge, support::tolerance;

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

TEMPLATE_TEST_CASE("gspo: hand numbers of a batch", "", BACKENDS) {
    // every response counts ½
    support::check_two_responses<TestType>(gspo{0.9, 0.9}, 0.5 * (-2 * std::exp(0.1) + std::exp(-0.6)));
    support::check_two_responses<TestType>(gspo{0.1, 0.05}, 0.5 * (-2 * 1.05 + 0.9));
}

TEST_CASE("gspo: Eigen, autograd and the fused pass agree; finite differences through the mean") {
    check_sequence_loss(gspo{0.1, 0.2});
    check_sequence_loss(total(gspo{}, kl_loss<k3>{}, weighted(0.5, clipped_value{})));
    support::check_backends(gspo{0.1, 0.2});  // advantages that differ by token
}

TEST_CASE("gspo: with responses of one token it is clip_higher") {
    auto batch = support::random_batch(28, 1, 8);
    batch.rollout.mask = batch.rollout.value_mask = 0.0 * batch.rollout.mask + 1.0;
    batch.rollout.logprobs = support::array(0.0 * batch.rollout.mask - 1.0),
    batch.rollout.values = batch.rollout.logprobs;
    for (int b = 0; b < 28; ++b) batch.now.logprobs.cells(b, 0) = -1.0 + 0.03 * (b - 14);
    auto const gradient_of = [&](auto const& loss) {
        auto const algorithm = support::under_grpo(loss);
        return eigen::loss_and_gradient(algorithm, algorithm.evaluate(batch.rollout), batch.now);
    };
    auto const by_token = gradient_of(clip_higher{0.1, 0.2}), by_sequence = gradient_of(gspo{0.1, 0.2});
    CHECK(by_sequence.loss == Approx(by_token.loss).epsilon(tolerance));
    CHECK(difference(by_sequence.gradient.logprobs, by_token.gradient.logprobs) < tolerance);
}

TEST_CASE("gspo: the same for every split of a mini-batch; no critic and no reference model is needed") {
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
    STATIC_REQUIRE_FALSE(needs_critic<decltype(algorithm)>);
    STATIC_REQUIRE_FALSE(needs_reference<decltype(algorithm)>);
}
