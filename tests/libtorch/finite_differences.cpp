// SPDX-License-Identifier: Apache-2.0
#include "../support/backends.hpp"
#include "../support/edge_batches.hpp"

#include <torch/csrc/autograd/autograd.h>
#include <catch2/catch.hpp>
#include <proximal/libtorch/fused_loss.hpp>
#include <proximal/libtorch/linear_logprob.hpp>

using namespace proximal;
using libtorch::field;
using support::as;

namespace {

/// The slope of `value` along every cell of `x`, a double tensor it reads: central, and checked not to straddle a kink.
void check_slopes(char const* name, at::Tensor const& x, at::Tensor const& gradient, auto const& value) {
    at::NoGradGuard const no_gradient;
    double const h = 1e-5, here = value();
    int compared = 0;
    for (int64_t i = 0; i < x.numel(); ++i) {
        auto const cell = x.view(-1)[i];
        double const old = cell.item<double>();
        if (!std::isfinite(old)) continue;
        cell.fill_(old + h);
        double const above = value();
        cell.fill_(old - h);
        double const below = value();
        cell.fill_(old);
        if (std::abs(above + below - 2 * here) > 1e3 * h * h) continue;
        ++compared;
        INFO(name << ", cell " << i);
        CHECK(gradient.reshape(-1)[i].item<double>() == Approx((above - below) / (2 * h)).margin(1e-8));
    }
    CHECK(compared > 0.9 * x.isfinite().sum().item<double>());
}

auto const shaper = chain(missing_eos_penalty{1.0}, kl_penalty<k3>{.kl_coef = 0.05}, terminal_score{});
auto const whole_ppo =
    algorithm{shaper, chain(gae{.gamma = 0.99, .lam = 0.95}, whiten{}), total(clipped_surrogate{}, clipped_value{})};

}  // namespace

TEST_CASE("fused_loss: the gradient of every loss alone, and of their sum, is that of finite differences") {
    auto const batch = support::batch_of("", {0, 2, 5, 4}, 5, support::NaN);
    auto const check = [&](char const* name, auto const& formula) {
        auto const algorithm = proximal::algorithm{shaper, gae{}, formula};
        auto then = algorithm.evaluate(as<field>(batch.rollout()));
        auto now = as<field>(batch.now);
        std::vector<at::Tensor> const leaves{now.logprobs.tensor, now.values.tensor, now.entropies.tensor};
        for (auto const& x : leaves) x.requires_grad_();
        auto const loss = [&] { return libtorch::fused_loss(algorithm, then, now).loss.tensor; };
        auto const slopes = torch::autograd::grad({loss()}, leaves);
        for (std::size_t i = 0; i < 3; ++i)
            check_slopes(name, leaves[i].detach(), slopes[i], [&] { return loss().template item<double>(); });
    };
    check("clipped_surrogate", clipped_surrogate{});
    check("clipped_value", clipped_value{});
    check("weighted", weighted(-0.5, clipped_value{}));
    check("kl_loss", kl_loss<>{});
    check("reinforce", reinforce{});
    check("sapo", sapo{});
    check("huber_value", huber_value{});
    check("total", total(clipped_surrogate{}, clipped_value{}, entropy_bonus{}, kl_loss<>{}));
}

TEST_CASE("autograd: the whole whole_ppo algorithm, from what was recorded and what is predicted to the loss") {
    auto const batch = support::batch_of("", {1, 2, 5, 4}, 5);
    auto recorded = as<field>(batch.rollout());
    auto now = as<field>(batch.now);
    std::vector<at::Tensor> const leaves{now.logprobs.tensor,          now.values.tensor,      recorded.logprobs.tensor,
                                         recorded.ref_logprobs.tensor, recorded.values.tensor, recorded.rewards.tensor,
                                         recorded.scores.tensor};
    char const* const names[] = {"logprobs",   "values",  "old logprobs", "ref logprobs",
                                 "old values", "rewards", "scores"};
    for (auto const& x : leaves) x.requires_grad_();
    // evaluate() lets no gradient through, as an update must not: its parts are run without it.
    auto const loss = [&] {
        return whole_ppo.loss(run_part{}(whole_ppo.estimator, run_part{}(whole_ppo.shaper, recorded)), now).tensor;
    };
    auto const slopes = torch::autograd::grad({loss()}, leaves);
    for (std::size_t i = 0; i < leaves.size(); ++i)
        check_slopes(names[i], leaves[i].detach(), slopes[i], [&] { return loss().template item<double>(); });

    auto const update = torch::autograd::grad({whole_ppo.loss(whole_ppo.evaluate(recorded), now).tensor}, leaves, {},
                                              std::nullopt, false, true);
    for (std::size_t i = 0; i < leaves.size(); ++i) {
        INFO(names[i]);
        CHECK(update[i].defined() == (i < 2));  // what is predicted now, and nothing that was recorded
    }
}

TEST_CASE("linear_logprobs: both gradients are those of finite differences, in chunks too") {
    at::manual_seed(3);
    auto const hidden = at::randn({5, 3}, at::kDouble).requires_grad_(),
               weight = at::randn({7, 3}, at::kDouble).requires_grad_();
    auto const targets = at::tensor(std::vector<int64_t>{0, 6, 2, 2, 5}, at::kLong);
    auto const by_row = at::linspace(-1, 2, 5, at::kDouble), by_entropy = at::linspace(0.5, -0.1, 5, at::kDouble);
    for (int64_t chunk : {2, 100}) {
        auto const value = [&] {
            auto const got = libtorch::linear_logprobs(hidden, weight, targets, 0.7, chunk);
            return (got.logprob * by_row + got.entropy * by_entropy).sum();
        };
        auto const slopes = torch::autograd::grad({value()}, {hidden, weight});
        check_slopes("hidden", hidden.detach(), slopes[0], [&] { return value().item<double>(); });
        check_slopes("weight", weight.detach(), slopes[1], [&] { return value().item<double>(); });
    }
}
