// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>

#include <proximal/lm/train/per_parameter_optimizer.hpp>
#include <vector>

namespace proximal::lm {

/// Adagrad:
///
///     g ← g + λθ,   s ← s + g²,   θ ← θ − η g / (√s + 1e-10)
///
/// Source: Duchi, Hazan and Singer (2011); torch.optim.Adagrad with its defaults, as --optim adagrad of
/// transformers makes it.
class adagrad final : public per_parameter_optimizer {
   public:
    explicit adagrad(std::vector<named_tensor> const& parameters, double weight_decay = 0.0)
        : per_parameter_optimizer(parameters, weight_decay, {"sum"},
                                  [](at::Tensor const& x) -> std::vector<at::Tensor> { return {at::zeros_like(x)}; }) {}

   private:
    void move(motion const& m) override {
        auto const g = m.gradient + m.weight_decay * m.parameter;
        m.kept[0].addcmul_(g, g);
        m.parameter.addcdiv_(g, m.kept[0].sqrt().add_(1e-10), -m.learning_rate);
    }
};

}  // namespace proximal::lm
