// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <cmath>
#include <map>
#include <proximal/lm/model/backbone.hpp>
#include <proximal/run/state_archive.hpp>
#include <string>
#include <utility>
#include <vector>

namespace proximal::lm {

/// What moves parameters along their gradients. A user's own takes AdamW's place: it says how a step is made and what
/// it has learnt; the rest is here.
class optimizer {
   public:
    explicit optimizer(std::vector<named_tensor> parameters) : parameters_(std::move(parameters)) {}
    virtual ~optimizer() = default;

    /// Moves every parameter that has a gradient; the gradients stay.
    virtual void step(double learning_rate) = 0;
    /// Writes or reads what it has learnt: moments, counts (see visit_tensor). The parameters are the models'.
    virtual void visit_state(run::state_archive& archive) = 0;

    /// The parameters that it moves.
    std::vector<named_tensor> const& parameters() const { return parameters_; }
    /// Drops the gradients of all parameters.
    void zero_grad() const {
        for (auto const& parameter : parameters_) parameter.tensor.mutable_grad().reset();
    }
    /// The gradients that there are, in the parameters' order.
    std::vector<at::Tensor> gradients() const {
        std::vector<at::Tensor> present;
        for (auto const& parameter : parameters_)
            if (parameter.tensor.grad().defined()) present.push_back(parameter.tensor.grad());
        return present;
    }
    /// The Euclidean norm of all gradients together. [] Not finite where any is not.
    at::Tensor gradient_norm() const {
        auto const present = gradients();
        return present.empty() ? at::zeros({}) : at::stack(at::_foreach_norm(present)).norm();
    }

    /// The same of each model alone: of the parameters whose names begin alike, up to the first dot.
    std::map<std::string, double> gradient_norms() const {
        std::map<std::string, double> squares;
        std::vector<std::string> models;
        for (auto const& parameter : parameters_)
            if (parameter.tensor.grad().defined()) models.push_back(parameter.name.substr(0, parameter.name.find('.')));
        if (models.empty()) return squares;
        at::Tensor const norms = at::stack(at::_foreach_norm(gradients())).to(at::kCPU, at::kDouble);
        for (std::size_t i = 0; i < models.size(); ++i) {
            double const norm = norms.const_data_ptr<double>()[i];
            squares[models[i]] += norm * norm;
        }
        for (auto& [model, square] : squares) square = std::sqrt(square);
        return squares;
    }

   private:
    std::vector<named_tensor> parameters_;
};

}  // namespace proximal::lm
