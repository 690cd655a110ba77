// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <cmath>
#include <map>
#include <proximal/lm/distributed/communicator.hpp>
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

    /// Told before and after each backward pass, one that was left out too; an optimizer step follows the `last`. One
    /// that shares gradients out talks to the other processes meanwhile.
    virtual void begin_backward(bool /*last*/) {}
    virtual void end_backward() {}
    /// Averages gradients over all processes, once per step. A parameter without a gradient here may have one
    /// elsewhere: it takes part with zeros.
    virtual void average_gradients(communicator& world) {
        if (world.world_size() == 1) return;
        at::NoGradGuard const no_gradient;
        for (auto const& parameter : parameters_) {
            auto& gradient = parameter.tensor.mutable_grad();
            if (!gradient.defined()) gradient = at::zeros_like(parameter.tensor);
            world.all_reduce_sum(gradient);
            gradient.div_(static_cast<double>(world.world_size()));
        }
    }
    /// Whether each process holds its own part of what is learnt, so that all of them write it down and read it back.
    virtual bool is_sharded() const { return false; }
    /// Whether a step failed on the way: some parameters are of after it, some of before.
    virtual bool is_torn() const { return false; }

    /// The parameters that it moves.
    std::vector<named_tensor> const& parameters() const { return parameters_; }
    /// Drops the gradients of all parameters.
    virtual void zero_grad() const {
        for (auto const& parameter : parameters_) parameter.tensor.mutable_grad().reset();
    }
    /// The gradients that this process moves parameters by, in the parameters' order: to be scaled in place.
    virtual std::vector<at::Tensor> gradients() const {
        std::vector<at::Tensor> present;
        for (auto const& parameter : parameters_)
            if (parameter.tensor.grad().defined()) present.push_back(parameter.tensor.grad());
        return present;
    }
    /// The Euclidean norm of all gradients together. [] Not finite where any is not.
    virtual at::Tensor gradient_norm() const {
        auto const present = gradients();
        return present.empty() ? at::zeros({}) : at::stack(at::_foreach_norm(present)).norm();
    }

    /// The same of each model alone: of the parameters whose names begin alike, up to the first dot.
    virtual std::map<std::string, double> gradient_norms() const {
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
