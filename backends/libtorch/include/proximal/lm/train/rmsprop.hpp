// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>

#include <proximal/lm/train/per_parameter_optimizer.hpp>
#include <vector>

namespace proximal::lm {

/// RMSprop:
///
///     g ← g + λθ,   s ← 0.99 s + 0.01 g²,   θ ← θ − η g / (√s + 1e-8)
///
/// Source: Hinton, lecture 6e (2012); torch.optim.RMSprop with its defaults, as --optim rmsprop of transformers makes
/// it.
class rmsprop final : public per_parameter_optimizer {
   public:
    explicit rmsprop(std::vector<named_tensor> const& parameters, double weight_decay = 0.0)
        : per_parameter_optimizer(parameters, weight_decay, {"square_average"},
                                  [](at::Tensor const& x) -> std::vector<at::Tensor> { return {at::zeros_like(x)}; }) {}

   private:
    void move(motion const& m) override {
        auto const g = m.gradient + m.weight_decay * m.parameter;
        m.kept[0].mul_(0.99).addcmul_(g, g, 0.01);
        m.parameter.addcdiv_(g, m.kept[0].sqrt().add_(1e-8), -m.learning_rate);
    }
};

}  // namespace proximal::lm
