// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <cstdint>
#include <optional>
#include <proximal/lm/model/parameter.hpp>
#include <vector>

namespace proximal::lm {

/// What a trainer asks of an optimizer. A user's own takes AdamW's place.
class optimizer {
   public:
    virtual ~optimizer() = default;
    /// Moves every parameter that has a gradient, then drops the gradients.
    virtual void step(double learning_rate) = 0;
    /// Drops the gradients of all parameters.
    virtual void zero_grad() = 0;
    /// The Euclidean norm of all gradients together. [] Not finite where any is not.
    virtual at::Tensor gradient_norm() const = 0;
};

/// AdamW's β₁, β₂, ε and λ, with its authors' defaults.
struct adamw_options {
    double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weight_decay = 0.0;
};

/// AdamW through ATen's fused step: one pass over parameters, gradients and moments.
///
///     m ← β₁m + (1−β₁)g,  v ← β₂v + (1−β₂)g²,  θ ← θ − η (λθ + m̂ / (√v̂ + ε))
///
/// Source: Loshchilov and Hutter, Decoupled Weight Decay Regularization (2019), arXiv 1711.05101, algorithm 2. As in
/// transformers' Trainer, biases and layer norms do not decay; a parameter without a gradient is left alone.
class adamw final : public optimizer {
   public:
    adamw(std::vector<named_tensor> const& parameters, adamw_options options) : options_(options) {
        for (auto const& [name, kind, tensor] : parameters)
            (decays(kind) ? decayed_ : undecayed_)
                .push_back({tensor, at::zeros_like(tensor), at::zeros_like(tensor),
                            at::zeros({}, tensor.options().dtype(at::kFloat))});
    }

    /// Whether a parameter of this kind decays: neither a bias nor a norm's.
    static bool decays(parameter_kind kind) { return kind != parameter_kind::bias && kind != parameter_kind::norm; }

    void step(double learning_rate) override {
        at::NoGradGuard const no_gradient;
        step_group(decayed_, learning_rate, options_.weight_decay);
        step_group(undecayed_, learning_rate, 0.0);
        zero_grad();
    }
    void zero_grad() override {
        for (auto* group : {&decayed_, &undecayed_})
            for (auto& slot : *group) slot.parameter.mutable_grad().reset();
    }
    at::Tensor gradient_norm() const override {
        std::vector<at::Tensor> gradients;
        for (auto const* group : {&decayed_, &undecayed_})
            for (auto const& slot : *group)
                if (slot.parameter.grad().defined()) gradients.push_back(slot.parameter.grad());
        if (gradients.empty()) return at::zeros({});
        return at::stack(at::_foreach_norm(gradients)).norm();
    }

   private:
    struct slot {
        at::Tensor parameter, first_moment, second_moment, steps;
    };

    void step_group(std::vector<slot> const& group, double learning_rate, double weight_decay) {
        std::vector<at::Tensor> parameters, gradients, first, second, steps;
        for (auto const& slot : group) {
            if (!slot.parameter.grad().defined()) continue;
            parameters.push_back(slot.parameter);
            gradients.push_back(slot.parameter.grad());
            first.push_back(slot.first_moment);
            second.push_back(slot.second_moment);
            steps.push_back(slot.steps);
        }
        if (parameters.empty()) return;
        at::_foreach_add_(steps, 1);
        at::_fused_adamw_(parameters, gradients, first, second, {}, steps, learning_rate, options_.beta1,
                          options_.beta2, weight_decay, options_.epsilon, /*amsgrad=*/false, /*maximize=*/false);
    }

    adamw_options options_;
    std::vector<slot> decayed_, undecayed_;
};

}  // namespace proximal::lm
