// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <cmath>
#include <proximal/lm/train/ppo_trainer_arguments.hpp>

#include "../../support/tiny_run.hpp"

using namespace proximal::lm;

namespace {
/// Three steps on a weight of one row and two columns, and on a bias; gives where they end.
template <class Optimizer>
std::vector<double> three_steps(double weight_decay) {
    auto const weight = at::tensor({1.0, -2.0}, at::kDouble).view({1, 2}), bias = at::tensor({0.5}, at::kDouble),
               idle = at::tensor({3.0}, at::kDouble);
    Optimizer optimizer({{"dense.weight", parameter_kind::matrix, weight},
                         {"dense.bias", parameter_kind::bias, bias},
                         {"other.weight", parameter_kind::matrix, idle}},
                        weight_decay);
    for (int t = 1; t <= 3; ++t) {
        weight.mutable_grad() = at::tensor({0.3 * t, -1.0}, at::kDouble).view({1, 2});
        bias.mutable_grad() = at::tensor({2.0 / t}, at::kDouble);
        optimizer.step(0.01 * t);
        optimizer.zero_grad();
    }
    CHECK(idle.item<double>() == 3.0);  // no gradient, no decay either
    return {weight[0][0].item<double>(), weight[0][1].item<double>(), bias[0].item<double>()};
}
/// The same by a formula of one number: f(x, g, kept, t, rate, decay).
std::vector<double> by_hand(auto const& f) {
    std::vector<double> x{1.0, -2.0, 0.5}, kept(3);
    for (int t = 1; t <= 3; ++t) {
        double const g[3] = {0.3 * t, -1.0, 2.0 / t};
        for (std::size_t i = 0; i < 3; ++i) f(x[i], g[i], kept[i], 0.01 * t, i < 2 ? 0.1 : 0.0);
    }
    return x;
}
void check_near(std::vector<double> const& got, std::vector<double> const& expected) {
    for (std::size_t i = 0; i < 3; ++i) CHECK(got[i] == Approx(expected[i]).epsilon(1e-12));
}
}  // namespace

TEST_CASE("sgd, adagrad, rmsprop: the formulas of torch.optim, with decay for weights alone") {
    check_near(three_steps<sgd>(0.1),
               by_hand([](double& x, double g, double&, double rate, double decay) { x -= rate * (g + decay * x); }));
    check_near(three_steps<adagrad>(0.1), by_hand([](double& x, double g, double& sum, double rate, double decay) {
                   g += decay * x;
                   sum += g * g;
                   x -= rate * g / (std::sqrt(sum) + 1e-10);
               }));
    check_near(three_steps<rmsprop>(0.1), by_hand([](double& x, double g, double& mean, double rate, double decay) {
                   g += decay * x;
                   mean = 0.99 * mean + 0.01 * g * g;
                   x -= rate * g / (std::sqrt(mean) + 1e-8);
               }));
}

TEST_CASE("adafactor: rows and columns of a matrix, a vector's own moments, steps of at most the rate") {
    auto const got = three_steps<adafactor>(0.1);
    double w[2] = {1.0, -2.0}, b = 0.5, row = 0, column[2] = {0, 0}, own = 0;
    for (int t = 1; t <= 3; ++t) {
        double const g[2] = {0.3 * t, -1.0}, h = 2.0 / t, beta = 1 - std::pow(t, -0.8), rate = 0.01 * t;
        row = beta * row + (1 - beta) * ((g[0] * g[0] + g[1] * g[1]) / 2 + 1e-30);
        double u[2];
        for (int j = 0; j < 2; ++j) {
            column[j] = beta * column[j] + (1 - beta) * (g[j] * g[j] + 1e-30);
            u[j] = g[j] / std::sqrt(column[j]);  // row / mean(row) is 1 for a single row
        }
        double const size = std::max(1.0, std::sqrt((u[0] * u[0] + u[1] * u[1]) / 2));
        for (int j = 0; j < 2; ++j) w[j] = w[j] * (1 - 0.1 * rate) - rate * u[j] / size;
        own = beta * own + (1 - beta) * (h * h + 1e-30);
        double const v = h / std::sqrt(own);
        b -= rate * v / std::max(1.0, std::abs(v));
    }
    check_near(got, {w[0], w[1], b});
}

TEST_CASE("--optim: each name makes its optimizer, another is refused by name") {
    auto config = support::small_config();
    auto const made = [&](char const* name) {
        config.optim = name;
        return configured_optimizer(support::arguments(config));
    };
    CHECK(dynamic_cast<adamw*>(made("adamw_torch").get()) != nullptr);
    CHECK(dynamic_cast<adamw*>(made("adamw_torch_fused").get()) != nullptr);
    CHECK(dynamic_cast<sgd*>(made("sgd").get()) != nullptr);
    CHECK(dynamic_cast<adafactor*>(made("adafactor").get()) != nullptr);
    CHECK(dynamic_cast<adagrad*>(made("adagrad").get()) != nullptr);
    CHECK(dynamic_cast<rmsprop*>(made("rmsprop").get()) != nullptr);
    CHECK_THROWS_WITH(made("lion_8bit"), Catch::Contains("--optim lion_8bit is not known"));
}
