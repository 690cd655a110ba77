// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <proximal/lm/train/adamw.hpp>

using namespace proximal::lm;

TEST_CASE("adamw: the paper's update, by hand, with decay for weights alone") {
    auto const weight = at::tensor({1.0, -2.0}, at::kDouble), bias = at::tensor({0.5}, at::kDouble),
               idle = at::tensor({3.0}, at::kDouble);
    adamw optimizer({{"dense.weight", parameter_kind::matrix, weight},
                     {"dense.bias", parameter_kind::bias, bias},
                     {"other.weight", parameter_kind::matrix, idle}},
                    {.beta1 = 0.8, .beta2 = 0.9, .epsilon = 1e-3, .weight_decay = 0.1});
    struct scalar {
        double x, m = 0, v = 0;
    };
    scalar expected[3] = {{1.0}, {-2.0}, {0.5}};
    for (int t = 1; t <= 3; ++t) {
        double const gradients[3] = {0.3 * t, -1.0, 2.0 / t}, rate = 0.01 * t;
        weight.mutable_grad() = at::tensor({gradients[0], gradients[1]}, at::kDouble);
        bias.mutable_grad() = at::tensor({gradients[2]}, at::kDouble);
        double squares = 0.0;
        for (double g : gradients) squares += g * g;
        CHECK(optimizer.gradient_norm() == Approx(std::sqrt(squares)).epsilon(1e-14));
        optimizer.step(rate);
        for (int i = 0; i < 3; ++i) {
            auto& e = expected[i];
            e.m = 0.8 * e.m + 0.2 * gradients[i];
            e.v = 0.9 * e.v + 0.1 * gradients[i] * gradients[i];
            double const decay = i < 2 ? 0.1 : 0.0;
            e.x -=
                rate * (decay * e.x + e.m / (1 - std::pow(0.8, t)) / (std::sqrt(e.v / (1 - std::pow(0.9, t))) + 1e-3));
        }
        CHECK(weight[0].item<double>() == Approx(expected[0].x).epsilon(1e-12));
        CHECK(weight[1].item<double>() == Approx(expected[1].x).epsilon(1e-12));
        CHECK(bias[0].item<double>() == Approx(expected[2].x).epsilon(1e-12));
        CHECK(weight.grad().defined());  // a step leaves gradients to who looks at them
        optimizer.zero_grad();
        CHECK_FALSE(weight.grad().defined());
    }
    CHECK(idle.item<double>() == 3.0);  // no gradient, no decay either
    CHECK(adamw::decays(parameter_kind::matrix));
    CHECK(adamw::decays(parameter_kind::embedding));
    CHECK_FALSE(adamw::decays(parameter_kind::norm));
    CHECK_FALSE(adamw::decays(parameter_kind::bias));
}
