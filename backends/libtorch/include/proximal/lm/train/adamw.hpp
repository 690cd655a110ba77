// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <proximal/lm/model/parameter.hpp>
#include <proximal/lm/train/optimizer.hpp>
#include <proximal/lm/train/visit_tensor.hpp>
#include <proximal/run/state_archive.hpp>
#include <string>
#include <vector>

namespace proximal::lm {

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
    adamw(std::vector<named_tensor> const& parameters, adamw_options options)
        : optimizer(parameters), options_(options) {
        for (auto const& parameter : parameters)
            (decays(parameter.kind) ? decayed_ : undecayed_)
                .push_back({parameter, at::zeros_like(parameter.tensor), at::zeros_like(parameter.tensor),
                            at::zeros({}, parameter.tensor.options().dtype(at::kFloat))});
    }

    /// Whether a parameter of this kind decays: neither a bias nor a norm's.
    static bool decays(parameter_kind kind) { return kind != parameter_kind::bias && kind != parameter_kind::norm; }

    void step(double learning_rate) override {
        at::NoGradGuard const no_gradient;
        step_group(decayed_, learning_rate, options_.weight_decay);
        step_group(undecayed_, learning_rate, 0.0);
    }
    void visit_state(run::state_archive& archive) override {
        for (auto* group : {&decayed_, &undecayed_})
            for (auto& slot : *group) {
                visit_tensor(archive, slot.parameter.name + "/first_moment", slot.first_moment);
                visit_tensor(archive, slot.parameter.name + "/second_moment", slot.second_moment);
                visit_tensor(archive, slot.parameter.name + "/steps", slot.steps);
            }
    }

   private:
    struct slot {
        named_tensor parameter;
        at::Tensor first_moment, second_moment, steps;
    };

    void step_group(std::vector<slot> const& group, double learning_rate, double weight_decay) {
        std::vector<at::Tensor> parameters, gradients, first, second, steps;
        for (auto const& slot : group) {
            if (!slot.parameter.tensor.grad().defined()) continue;
            parameters.push_back(slot.parameter.tensor);
            gradients.push_back(slot.parameter.tensor.grad());
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
