// SPDX-License-Identifier: Apache-2.0
#include "../support/backends.hpp"

#include <ATen/Parallel.h>
#include <torch/csrc/autograd/autograd.h>
#include <catch2/catch.hpp>
#include <proximal/libtorch/fused_loss.hpp>

using namespace proximal;
using libtorch::field, libtorch::fused_loss;
using support::as, support::difference, support::tolerance;

namespace {

struct my_entropy_bonus {  // an outsider's term
    double coef = 0.01;
    constexpr auto operator()(Token auto const& token) const { return -coef * token.entropy; }
};
struct my_kl_loss {
    constexpr auto operator()(Token auto const& token) const { return 0.1 * k3{}(token.logprob, token.ref_logprob); }
};

auto const fused_shaper = chain(missing_eos_penalty{1.0}, kl_penalty<k1>{}, terminal_score{});
auto const fused_ppo = algorithm{fused_shaper, chain(gae{}, whiten{}), total(clipped_surrogate{}, clipped_value{})};
auto const rich = algorithm{
    fused_shaper, gae{}, total(clipped_surrogate{}, weighted(0.5, clipped_value{}), my_entropy_bonus{}, my_kl_loss{})};
auto const single = algorithm{fused_shaper, gae{}, clipped_surrogate{}};

struct outcome {
    std::vector<double> values;  // the loss, then the metrics
    std::vector<at::Tensor> gradients;
};
outcome judge(auto const& measure, prediction<field> now) {
    std::vector<at::Tensor> leaves;
    for (field* x : {&now.logprobs, &now.values, &now.entropies}) {
        x->tensor = x->tensor.detach().clone().requires_grad_();
        leaves.push_back(x->tensor);
    }
    auto const measured = measure(now);
    outcome result{{measured.loss.tensor.template item<double>()}, {}};
    boost::hana::for_each(measured.metrics, [&](auto const& metric) {
        CHECK_FALSE(metric.value.tensor.requires_grad());
        result.values.push_back(metric.value.tensor.template item<double>());
    });
    result.gradients = torch::autograd::grad({3.0 * measured.loss.tensor}, leaves, {}, {}, false, true);
    return result;
}

/// The fused pass against the composite, loss, metrics and gradients.
void check(auto const& algorithm, support::batch const& batch) {
    auto const then = algorithm.evaluate(as<field>(batch.rollout));
    auto const fused = judge([&](auto const& now) { return fused_loss(algorithm, then, now); }, as<field>(batch.now));
    auto const composite = judge([&](auto const& now) { return algorithm.measure(then, now); }, as<field>(batch.now));
    REQUIRE(fused.values.size() == composite.values.size());
    for (std::size_t i = 0; i < fused.values.size(); ++i) {
        if (std::isfinite(composite.values[i]))
            CHECK(fused.values[i] == Approx(composite.values[i]).epsilon(tolerance));
        else CHECK_FALSE(std::isfinite(fused.values[i]));
    }
    if (!std::isfinite(composite.values[0]))
        return;  // whitening a single token: the step is lost, whatever its gradient
    for (std::size_t i = 0; i < 3; ++i) {
        auto const expected =
            composite.gradients[i].defined() ? composite.gradients[i] : at::zeros_like(fused.gradients[i]);
        CHECK(difference(field(fused.gradients[i]), field(expected)) < tolerance);
    }
}

}  // namespace

TEST_CASE("fused_loss: the composite's loss, metrics and gradients, for every composition and size") {
    for (auto [B, T] : std::vector<std::pair<int, int>>{{1, 1}, {2, 1}, {1, 7}, {29, 12}, {64, 53}}) {
        auto const batch = support::random_batch(B + 1, T, 11);  // half of the tokens tie at ρ = 1
        check(fused_ppo, batch), check(rich, batch), check(single, batch);
    }
}

TEST_CASE("fused_loss: equals the Eigen reference, bounds of the clip included") {
    auto batch = support::random_batch(29, 12, 5);
    auto const exact = fused_ppo.evaluate(batch.rollout);
    auto const expected = eigen::loss_and_gradient(fused_ppo, exact, batch.now);
    auto const got =
        judge([&](auto const& now) { return fused_loss(fused_ppo, fused_ppo.evaluate(as<field>(batch.rollout)), now); },
              as<field>(batch.now));
    CHECK(got.values[0] == Approx(expected.loss).epsilon(tolerance));
    CHECK(difference(field(got.gradients[0] / 3.0), expected.gradient.logprobs) < tolerance);
    CHECK(difference(field(got.gradients[1] / 3.0), expected.gradient.values) < tolerance);
    CHECK(difference(field(got.gradients[2]), 0.0 * expected.gradient.values) == 0.0);
}

TEST_CASE("fused_loss: a ratio that overflows spoils its own gradient, not the critic's") {
    auto batch = support::random_batch(5, 4, 9);
    auto const then = fused_ppo.evaluate(as<field>(batch.rollout));
    batch.now.logprobs(4, 0) = 800.0;
    auto const now = as<field>(batch.now);
    auto const fused = judge([&](auto const& x) { return fused_loss(fused_ppo, then, x); }, now);
    auto const composite = judge([&](auto const& x) { return fused_ppo.measure(then, x); }, now);
    CHECK_FALSE(fused.gradients[0].isfinite().all().item<bool>());
    CHECK(fused.gradients[1].isfinite().all().item<bool>());
    CHECK(difference(field(fused.gradients[1]), field(composite.gradients[1])) < tolerance);
}

TEST_CASE("fused_loss: float is the double's to float's accuracy; threads do not change a bit") {
    auto const batch = support::random_batch(300, 53, 6);
    auto const then = fused_ppo.evaluate(as<field>(batch.rollout));
    auto const to_float = [](field const& x) { return field(x.tensor.to(at::kFloat)); };
    auto const run = [&](int threads) {
        auto const before = at::get_num_threads();
        at::set_num_threads(threads);
        auto const narrow = each_array(then, to_float);
        auto result = judge([&](auto const& now) { return fused_loss(fused_ppo, narrow, now); },
                            each_array(as<field>(batch.now), to_float));
        at::set_num_threads(before);
        return result;
    };
    auto const one = run(1), two = run(2);
    CHECK(one.values == two.values);
    CHECK(one.gradients[0].equal(two.gradients[0]));
    auto const exact = judge([&](auto const& now) { return fused_loss(fused_ppo, then, now); }, as<field>(batch.now));
    CHECK(one.gradients[0].scalar_type() == at::kFloat);
    for (std::size_t i = 0; i < exact.values.size(); ++i) CHECK(one.values[i] == Approx(exact.values[i]).epsilon(1e-5));
}

TEST_CASE("fused_loss: what one pass cannot read goes the composite way") {
    auto const batch = support::random_batch(5, 4, 2);
    auto const then = fused_ppo.evaluate(as<field>(batch.rollout));
    auto now = as<field>(batch.now);
    now.logprobs = field(now.logprobs.tensor.to(at::kFloat));
    CHECK(fused_loss(fused_ppo, then, now).loss.tensor.item<double>() ==
          Approx(fused_ppo.measure(then, now).loss.tensor.item<double>()));
    now = as<field>(batch.now);
    now.entropies = field{};  // absent, and never read
    CHECK(fused_loss(fused_ppo, then, now).loss.tensor.item<double>() ==
          Approx(fused_ppo.measure(then, now).loss.tensor.item<double>()));
    auto nothing = then;
    nothing.mask = 0.0 * then.mask;
    double const of_values = fused_loss(fused_ppo, nothing, now).loss.tensor.item<double>();  // none of responses
    CHECK(
        (std::isfinite(of_values) && of_values == Approx(fused_ppo.measure(nothing, now).loss.tensor.item<double>())));
    nothing.value_mask = nothing.mask;
    CHECK(fused_loss(fused_ppo, nothing, now).loss.tensor.item<double>() == 0.0);
    auto const transposed = [](field const& x) {
        return field(x.tensor.dim() == 2 ? x.tensor.t().contiguous().t() : x.tensor);
    };
    CHECK(fused_loss(fused_ppo, each_array(then, transposed), each_array(now, transposed)).loss.tensor.item<double>() ==
          Approx(fused_ppo.measure(then, now).loss.tensor.item<double>()));
}
