// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>

#include <proximal/lm/train/per_parameter_optimizer.hpp>
#include <vector>

namespace proximal::lm {

/// Stochastic gradient descent, without momentum:
///
///     θ ← θ − η (g + λθ)
///
/// Source: torch.optim.SGD with its defaults, as transformers' --optim sgd makes it.
class sgd final : public per_parameter_optimizer {
   public:
    explicit sgd(std::vector<named_tensor> const& parameters, double weight_decay = 0.0)
        : per_parameter_optimizer(parameters, weight_decay, {},
                                  [](at::Tensor const&) { return std::vector<at::Tensor>{}; }) {}

   private:
    void move(motion const& m) override {
        m.parameter.add_(m.gradient + m.weight_decay * m.parameter, -m.learning_rate);
    }
};

}  // namespace proximal::lm
