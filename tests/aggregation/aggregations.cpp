// SPDX-License-Identifier: Apache-2.0
#include "../support/token_losses.hpp"

using namespace proximal;
using support::as, support::difference, support::grid, support::tolerance;

TEMPLATE_TEST_CASE("aggregations: hand numbers", "", BACKENDS) {
    auto const mask = grid<TestType>({{1, 1, 1, 1}, {1, 0, 0, 0}, {0, 0, 0, 0}});
    auto const rows = [](double a, double b) { return grid<TestType>({{a, a, a, a}, {b, 0, 0, 0}, {0, 0, 0, 0}}); };
    CHECK(difference(token_mean{}(mask), rows(0.2, 0.2)) < tolerance);
    CHECK(difference(sequence_mean_token_mean{}(mask), rows(0.125, 0.5)) < tolerance);
    CHECK(difference(sequence_mean_token_sum{}(mask), rows(0.5, 0.5)) < tolerance);
    CHECK(difference(token_sum{.length = 8}(mask), rows(1.0 / 24, 1.0 / 24)) < tolerance);  // the empty row counts
    CHECK(difference(over_mini_batch<sequence_mean_token_mean>{}(mask), rows(0.125, 0.5)) < tolerance);
}

TEMPLATE_TEST_CASE("aggregations: laws", "", BACKENDS) {
    auto const batch = support::random_batch(29, 12, 3).rollout;
    auto const mask = as<TestType>(batch).mask;
    auto const no_weight_outside = [&](auto const& mean) {
        CHECK(difference(select(mask, TestType(0.0), mean(mask)), 0.0 * mask) == 0.0);
    };
    no_weight_outside(token_mean{}), no_weight_outside(sequence_mean_token_mean{});
    no_weight_outside(sequence_mean_token_sum{}), no_weight_outside(token_sum{}),
        no_weight_outside(over_mini_batch<>{});
    CHECK(difference(sum(token_mean{}(mask)), TestType(1.0)) < tolerance);
    CHECK(difference(sum(sequence_mean_token_mean{}(mask)), TestType(1.0)) < tolerance);
    CHECK(difference(sum(sequence_mean_token_sum{}(mask)), sum(mask) / sum(row_sum(mask) > 0.0)) < tolerance);
    TestType const full = 0.0 * mask + 1.0;  // where all lengths are alike, so are the means
    CHECK(difference(sequence_mean_token_mean{}(full), token_mean{}(full)) < tolerance);
    CHECK(difference(12.0 * token_mean{}(full), sequence_mean_token_sum{}(full)) < tolerance);
    CHECK(difference(token_sum{.length = 12}(full), token_mean{}(full)) < tolerance);
    CHECK(std::isnan(support::read(sequence_mean_token_mean{}(0.0 * mask))(0, 0)));
    CHECK(difference(token_sum{}(0.0 * mask), 0.0 * mask) == 0.0);
}

namespace {

auto const shaper = chain(kl_penalty<k1>{}, terminal_score{});
auto const terms = total(clipped_surrogate{}, clipped_value{}, weighted(0.1, entropy_bonus{}));

#ifdef PROXIMAL_TEST_LIBTORCH
/// The mean over micro-batches of the loss and of the first metric, and the gradient, [B, T] of the log-probs.
struct outcome {
    double loss = 0.0, metric = 0.0;
    at::Tensor gradient;
};
outcome split(auto const& algorithm, auto const& measure, int micro_batches) {
    using support::field;
    auto const batch = support::random_batch(24, 12, 6);
    auto const mini_batch = weigh(algorithm, algorithm.evaluate(as<field>(batch.rollout)), micro_batches);
    auto const now = as<field>(batch.now);
    now.logprobs.tensor.requires_grad_();
    outcome result;
    at::Tensor loss = at::zeros({}, at::kDouble);
    for (int micro = 0; micro < micro_batches; ++micro) {
        auto const index = at::arange(24 / micro_batches) + micro * (24 / micro_batches);
        auto const measured = measure(algorithm, rows(mini_batch, index), rows(now, index));
        loss = loss + measured.loss.tensor / micro_batches;
        result.metric += boost::hana::at_c<0>(measured.metrics).value.tensor.template item<double>() / micro_batches;
    }
    result.loss = loss.item<double>();
    result.gradient = torch::autograd::grad({loss}, {now.logprobs.tensor})[0];
    return result;
}
#endif

}  // namespace

#ifdef PROXIMAL_TEST_LIBTORCH
TEST_CASE("over_mini_batch: the same loss, metrics and gradient for every split, fused or not") {
    auto const check = [](auto const& mean, auto const& measure) {
        auto const algorithm = proximal::algorithm{shaper, gae{}, terms, mean};
        auto const whole = split(algorithm, measure, 1);
        for (int micro_batches : {2, 3, 8, 24}) {
            auto const parts = split(algorithm, measure, micro_batches);
            CHECK(parts.loss == Approx(whole.loss).epsilon(tolerance));
            CHECK(parts.metric == Approx(whole.metric).epsilon(tolerance));
            CHECK(difference(support::field(parts.gradient), support::field(whole.gradient)) < tolerance);
        }
    };
    auto const fused = [](auto const& algorithm, auto const& then, auto const& now) {
        return libtorch::fused_loss(algorithm, then, now);
    };
    auto const composite = [](auto const& algorithm, auto const& then, auto const& now) {
        return algorithm.measure(then, now);
    };
    check(over_mini_batch<>{}, fused), check(over_mini_batch<>{}, composite);
    check(over_mini_batch<sequence_mean_token_mean>{}, fused),
        check(over_mini_batch<sequence_mean_token_mean>{}, composite);
    check(over_mini_batch<sequence_mean_token_sum>{}, fused);
    check(token_sum{}, fused);  // its denominators are constants
    auto const stock = algorithm{shaper, gae{}, terms};
    auto const whole = algorithm{shaper, gae{}, terms, over_mini_batch<>{}};
    CHECK(split(stock, fused, 1).loss == Approx(split(whole, fused, 1).loss));
    CHECK(split(stock, fused, 8).loss != Approx(split(stock, fused, 1).loss));  // TRL's
}
#endif

TEST_CASE("over_mini_batch: Eigen's reference obeys the law") {
    auto const algorithm = proximal::algorithm{shaper, gae{}, terms, over_mini_batch<sequence_mean_token_mean>{}};
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

TEST_CASE("aggregations: the fourth part of an algorithm, with its knobs") {
    auto dr = algorithm{terminal_score{}, dr_grpo{}, clipped_surrogate{}, over_mini_batch<token_sum>{}};
    std::vector<std::string> flags;
    visit_knobs(dr, [&](std::string_view, auto const& knob, auto&) { flags.emplace_back(knob.name); });
    CHECK(flags == std::vector<std::string>{"group_size", "cliprange", "loss_scale_factor"});
    STATIC_REQUIRE_FALSE(needs_critic<decltype(dr)>);
    STATIC_REQUIRE_FALSE(needs_reference<decltype(dr)>);
}
