// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <vector>

#include "eigen_mlp.hpp"

namespace cartpole {

/// One descent step of every parameter of a network.
///
///     m ← β₁m + (1−β₁)g,  v ← β₂v + (1−β₂)g²,  θ ← θ − η m̂ / (√v̂ + ε)
///
/// Source: Kingma and Ba, Adam: A Method for Stochastic Optimization (2015), arXiv 1412.6980, algorithm 1.
class adam {
   public:
    explicit adam(mlp const& net) {
        for (auto const& l : net)
            for (auto const* x : {&l.weight, &l.bias}) moments_.push_back({zeros_like(*x), zeros_like(*x)});
    }

    /// The gradient in the network's own form.
    void step(mlp& net, mlp const& gradient, double learning_rate) {
        ++steps_;
        auto moments = moments_.begin();
        for (std::size_t i = 0; i < net.size(); ++i) {
            move(net[i].weight, gradient[i].weight, *moments++, learning_rate);
            move(net[i].bias, gradient[i].bias, *moments++, learning_rate);
        }
    }

   private:
    struct pair {
        matrix first, second;
    };
    static matrix zeros_like(matrix const& x) { return matrix::Zero(x.rows(), x.cols()); }

    void move(matrix& x, matrix const& gradient, pair& moments, double learning_rate) const {
        constexpr double beta1 = 0.9, beta2 = 0.999;
        moments.first = beta1 * moments.first + (1.0 - beta1) * gradient;
        moments.second = beta2 * moments.second + (1.0 - beta2) * gradient.cwiseAbs2();
        double const first_share = 1.0 - std::pow(beta1, steps_), second_share = 1.0 - std::pow(beta2, steps_);
        x.array() -= learning_rate / first_share * moments.first.array() /
                     ((moments.second.array() / second_share).sqrt() + adam_epsilon);
    }

    std::vector<pair> moments_;
    int steps_ = 0;
};

}  // namespace cartpole
