// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <proximal/lm/model/backbone.hpp>
#include <proximal/run/state_archive.hpp>
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

   private:
    std::vector<named_tensor> parameters_;
};

}  // namespace proximal::lm
