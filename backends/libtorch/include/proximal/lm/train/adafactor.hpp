// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>

#include <cmath>
#include <proximal/lm/train/per_parameter_optimizer.hpp>
#include <vector>

namespace proximal::lm {

/// Adafactor: second moments of a matrix [R, C] as a row's and a column's means, R + C numbers in place of R·C.
///
///     β = 1 − t^−0.8,   r ← β r + (1−β) mean_columns(g² + 1e-30),   c ← β c + (1−β) mean_rows(g² + 1e-30)
///     u = g / √(r c / mean(r)),   u ← u / max(1, rms(u)),   θ ← θ − η λ θ − η u
///
/// A vector keeps its own second moments. Source: Shazeer and Stern (2018), arXiv 1804.04235, algorithms 4 and 5;
/// transformers 4.45's Adafactor with scale_parameter and relative_step off, as its --optim adafactor makes it.
class adafactor final : public per_parameter_optimizer {
   public:
    explicit adafactor(std::vector<named_tensor> const& parameters, double weight_decay = 0.0)
        : per_parameter_optimizer(parameters, weight_decay, {"row", "column"}, [](at::Tensor const& x) {
              auto columns = x.sizes().vec();
              if (x.dim() < 2) return std::vector<at::Tensor>{at::zeros_like(x)};
              columns.erase(columns.end() - 2);
              return std::vector<at::Tensor>{at::zeros(x.sizes().slice(0, x.dim() - 1), x.options()),
                                             at::zeros(columns, x.options())};
          }) {}

   private:
    static at::Tensor rms(at::Tensor const& x) { return x.norm() / std::sqrt(static_cast<double>(x.numel())); }

    void move(motion const& m) override {
        double const beta = 1.0 - std::pow(static_cast<double>(m.steps), -0.8);
        auto const square = m.gradient * m.gradient + 1e-30;
        at::Tensor factor;
        if (m.kept.size() == 1) {
            factor = m.kept[0].mul_(beta).add_(square, 1.0 - beta).rsqrt();
        } else {
            auto const &row = m.kept[0].mul_(beta).add_(square.mean(-1), 1.0 - beta),
                       &column = m.kept[1].mul_(beta).add_(square.mean(-2), 1.0 - beta);
            factor = (row / row.mean(-1, true)).rsqrt().unsqueeze(-1) * column.unsqueeze(-2).rsqrt();
        }
        auto const step = factor * m.gradient;
        step.div_(rms(step).clamp_min(1.0));
        if (m.weight_decay != 0.0) m.parameter.mul_(1.0 - m.weight_decay * m.learning_rate);
        m.parameter.add_(step, -m.learning_rate);
    }
};

}  // namespace proximal::lm
