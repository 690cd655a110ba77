// SPDX-License-Identifier: Apache-2.0
#include "../support/aggregations.hpp"
#include "../support/micro_batches.hpp"

using namespace proximal;
using support::difference, support::tolerance;

TEMPLATE_TEST_CASE("over_mini_batch: hand numbers, no weight outside the mask", "", BACKENDS) {
    support::check_weights<TestType>(over_mini_batch<sequence_mean_token_mean>{}, 0.125, 0.5);
    support::check_no_weight_outside<TestType>(over_mini_batch<>{});
}

#ifdef PROXIMAL_TEST_LIBTORCH
TEST_CASE("over_mini_batch: the same loss, metrics and gradient for every split, fused or not") {
    using support::by_fused_pass, support::by_operations, support::check_splits, support::ppo_under, support::split;
    check_splits(ppo_under(over_mini_batch<>{}), by_fused_pass);
    check_splits(ppo_under(over_mini_batch<>{}), by_operations);
    check_splits(ppo_under(over_mini_batch<sequence_mean_token_mean>{}), by_fused_pass);
    check_splits(ppo_under(over_mini_batch<sequence_mean_token_mean>{}), by_operations);
    check_splits(ppo_under(over_mini_batch<sequence_mean_token_sum>{}), by_fused_pass);
    auto const stock = ppo_under();
    auto const whole = ppo_under(over_mini_batch<>{});
    CHECK(split(stock, by_fused_pass, 1).loss == Approx(split(whole, by_fused_pass, 1).loss));
    CHECK(split(stock, by_fused_pass, 8).loss != Approx(split(stock, by_fused_pass, 1).loss));  // TRL's
}
#endif

TEST_CASE("over_mini_batch: Eigen's reference obeys the law") {
    auto const algorithm = support::ppo_under(over_mini_batch<sequence_mean_token_mean>{});
    auto const batch = support::random_batch(24, 12, 6);
    auto const mini_batch = algorithm.evaluate(batch.rollout);
    auto const whole = eigen::loss_and_gradient(algorithm, mini_batch, batch.now);
    auto const weighed = weigh(algorithm, mini_batch, 2.0);
    double loss = 0.0;
    for (int half : {0, 1}) {
        std::vector<int> index(12);
        for (int i = 0; i < 12; ++i) index[i] = 2 * i + half;
        auto const part = eigen::loss_and_gradient(algorithm, rows(weighed, index), rows(batch.now, index));
        loss += part.loss / 2.0;
        CHECK(difference(0.5 * part.gradient.logprobs, take_rows(whole.gradient.logprobs, index)) < tolerance);
        CHECK(difference(0.5 * part.gradient.values, take_rows(whole.gradient.values, index)) < tolerance);
    }
    CHECK(loss == Approx(whole.loss).epsilon(tolerance));
}

TEST_CASE("over_mini_batch: the fourth part of an algorithm, with its knobs") {
    auto dr = algorithm{terminal_score{}, dr_grpo{}, clipped_surrogate{}, over_mini_batch<token_sum>{}};
    std::vector<std::string> flags;
    visit_knobs(dr, [&](std::string_view, auto const& knob, auto&) { flags.emplace_back(knob.name); });
    CHECK(flags == std::vector<std::string>{"group_size", "cliprange", "loss_scale_factor"});
    STATIC_REQUIRE_FALSE(needs_critic<decltype(dr)>);
    STATIC_REQUIRE_FALSE(needs_reference<decltype(dr)>);
}
