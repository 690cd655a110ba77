// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstddef>
#include <vector>

#include "environment.hpp"

namespace cartpole {

inline constexpr double adam_epsilon = 1e-5;  // both backends'; as in Baselines' ppo2

/// A layer before training: weight [outputs, inputs] row by row; the bias is 0.
struct initial_layer {
    std::size_t outputs, inputs;
    std::vector<double> weight;
};

/// Two hidden layers of `width` and tanh, then `outputs` numbers: the same first weights for every backend.
///
///     W ~ uniform, variance gain² / inputs;   gain √2, and `last_gain` in the last layer
///
/// A policy starts near indifference with a small last gain. Source: Andrychowicz et al., What Matters in On-Policy
/// Reinforcement Learning? (2021), arXiv 2006.05990, section 3.2.
inline std::vector<initial_layer> initial_network(std::size_t width, std::size_t outputs, double last_gain,
                                                  random_stream& random) {
    std::vector<initial_layer> layers{{width, observed, {}}, {width, width, {}}, {outputs, width, {}}};
    for (auto& layer : layers) {
        double const gain = &layer == &layers.back() ? last_gain : std::sqrt(2.0);
        double const bound = gain * std::sqrt(3.0 / static_cast<double>(layer.inputs));
        layer.weight.resize(layer.outputs * layer.inputs);
        for (double& w : layer.weight) w = random.uniform(-bound, bound);
    }
    return layers;
}

}  // namespace cartpole
