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
    /// The Euclidean norms of gradients, one each, on their device, with the model that each is of: the parameter's
    /// name up to the first dot. Waits for nothing.
    struct unread_norms {
        std::vector<std::string> models;
        at::Tensor norms;  // [n]; undefined where there is no gradient
    };
    virtual unread_norms norms() const {
        unread_norms result;
        for (auto const& parameter : parameters_)
            if (parameter.tensor.grad().defined()) result.models.push_back(model_of(parameter.name));
        if (!result.models.empty()) result.norms = at::stack(at::_foreach_norm(gradients()));
        return result;
    }
    /// The norm of each model's gradients from what norms() gave and its numbers, read to the host. One that shares
    /// gradients out asks the other processes.
    std::map<std::string, double> gradient_norms(unread_norms const& of, std::vector<double> const& read) const {
        std::map<std::string, double> squares;
        for (std::size_t i = 0; i < of.models.size(); ++i) squares[of.models[i]] += read[i] * read[i];
        sum_squares(squares);
        for (auto& [model, square] : squares) square = std::sqrt(square);
        return squares;
    }
    /// The same at once. Waits for the device.
    std::map<std::string, double> gradient_norms() const {
        auto const unread = norms();
        if (!unread.norms.defined()) return gradient_norms(unread, std::vector<double>());
        at::Tensor const read = unread.norms.to(at::kCPU, at::kDouble);
        auto const* const first = read.const_data_ptr<double>();
        return gradient_norms(unread, {first, first + read.numel()});
    }
    /// The Euclidean norm of all gradients together; not finite where any is not. Waits for the device.
    double gradient_norm() const { return total_norm(gradient_norms()); }
    /// The norm of all gradients together, from each model's.
    static double total_norm(std::map<std::string, double> const& of_models) {
        double square = 0.0;
        for (auto const& [model, norm] : of_models) square += norm * norm;
        return std::sqrt(square);
    }

   protected:
    static std::string model_of(std::string const& name) { return name.substr(0, name.find('.')); }
    /// Adds the other processes' squares to those of this one's part of the gradients.
    virtual void sum_squares(std::map<std::string, double>& /*squares*/) const {}

   private:
    std::vector<named_tensor> parameters_;
};

}  // namespace proximal::lm
