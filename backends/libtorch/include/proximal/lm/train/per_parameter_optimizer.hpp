// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <cstdint>
#include <functional>
#include <proximal/lm/model/parameter.hpp>
#include <proximal/lm/train/adamw.hpp>
#include <proximal/lm/train/optimizer.hpp>
#include <proximal/lm/train/visit_tensor.hpp>
#include <proximal/run/state_archive.hpp>
#include <string>
#include <utility>
#include <vector>

namespace proximal::lm {

/// An optimizer that moves one parameter at a time by a formula of its own, and keeps tensors beside each.
///
/// A parameter without a gradient is left alone. Weight decay is for weights alone, as in transformers' Trainer:
/// biases and layer norms are given 0.
class per_parameter_optimizer : public optimizer {
   public:
    void step(double learning_rate) override {
        at::NoGradGuard const no_gradient;
        for (auto& slot : slots_) {
            auto const& gradient = slot.parameter.tensor.grad();
            if (!gradient.defined()) continue;
            ++slot.steps;
            move({slot.parameter.tensor, gradient, slot.kept, slot.steps, learning_rate, slot.weight_decay});
        }
    }
    void visit_state(run::state_archive& archive) override {
        for (auto& slot : slots_) {
            archive(slot.parameter.name + "/steps", slot.steps);
            for (std::size_t i = 0; i < slot.kept.size(); ++i)
                visit_tensor(archive, slot.parameter.name + "/" + names_[i], slot.kept[i]);
        }
    }

   protected:
    /// What a step is made from.
    struct motion {
        at::Tensor parameter, gradient;
        std::vector<at::Tensor> const& kept;  // in the order of the names
        std::int64_t steps;                   // this one counted
        double learning_rate, weight_decay;
    };
    /// `make` gives what is kept of a parameter, a tensor for each name.
    per_parameter_optimizer(std::vector<named_tensor> const& parameters, double weight_decay,
                            std::vector<std::string> names,
                            std::function<std::vector<at::Tensor>(at::Tensor const&)> const& make)
        : optimizer(parameters), names_(std::move(names)) {
        for (auto const& parameter : parameters)
            slots_.push_back({parameter, adamw::decays(parameter.kind) ? weight_decay : 0.0, make(parameter.tensor)});
    }
    virtual void move(motion const& m) = 0;

   private:
    struct slot {
        named_tensor parameter;
        double weight_decay;
        std::vector<at::Tensor> kept;
        std::int64_t steps = 0;
    };
    std::vector<std::string> names_;
    std::vector<slot> slots_;
};

}  // namespace proximal::lm
