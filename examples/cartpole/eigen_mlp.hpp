// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <Eigen/Core>
#include <vector>

#include "network.hpp"

namespace cartpole {

using matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

struct layer {
    matrix weight;  // [outputs, inputs]
    matrix bias;    // [1, outputs]
};

/// y = W tanh(... tanh(W x + b) ...) + b, a row of x a sample. A gradient by its parameters has the same form.
using mlp = std::vector<layer>;

inline mlp make_mlp(std::vector<initial_layer> const& layers) {
    mlp net;
    for (auto const& l : layers) {
        auto const outputs = static_cast<Eigen::Index>(l.outputs), inputs = static_cast<Eigen::Index>(l.inputs);
        net.push_back({Eigen::Map<matrix const>(l.weight.data(), outputs, inputs), matrix::Zero(1, outputs)});
    }
    return net;
}

/// [N, 4]
inline matrix observations(std::vector<state> const& states) {
    matrix x(static_cast<Eigen::Index>(states.size()), static_cast<Eigen::Index>(observed));
    Eigen::Index row = 0;
    for (auto const& s : states) x.row(row++) << s.x, s.x_dot, s.theta, s.theta_dot;
    return x;
}

/// What each layer was given, and at the back what the last one gave: [N, .] each. backward needs them all.
inline std::vector<matrix> forward(mlp const& net, matrix const& x) {
    std::vector<matrix> given{x};
    for (auto const& l : net) {
        matrix y = given.back() * l.weight.transpose();
        y.rowwise() += l.bias.row(0);
        if (&l != &net.back()) y = y.array().tanh();
        given.push_back(std::move(y));
    }
    return given;
}

/// ∂L/∂parameters from ∂L/∂y [N, outputs].
inline mlp backward(mlp const& net, std::vector<matrix> const& given, matrix slope) {
    mlp gradient(net.size());
    for (std::size_t i = net.size(); i-- > 0;) {
        gradient[i] = {slope.transpose() * given[i], slope.colwise().sum()};
        if (i > 0) slope = (slope * net[i].weight).array() * (1.0 - given[i].array().square());
    }
    return gradient;
}

}  // namespace cartpole
