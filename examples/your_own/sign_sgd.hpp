// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>

#include <proximal/lm/train/optimizer.hpp>
#include <proximal/lm/train/visit_tensor.hpp>
#include <utility>
#include <vector>

namespace mine {

/// An optimizer of one's own: every weight moves by the learning rate, along the sign of a moving mean of its gradient.
///
///     m ← β m + (1 − β) g,   θ ← θ − η sign(m)
///
/// Source: Bernstein et al., signSGD (2018), arXiv 1802.04434 (Signum).
class sign_sgd final : public proximal::lm::optimizer {
   public:
    explicit sign_sgd(std::vector<proximal::lm::named_tensor> parameters, double beta = 0.9)
        : optimizer(std::move(parameters)), beta_(beta) {
        for (auto const& parameter : this->parameters()) means_.push_back(at::zeros_like(parameter.tensor));
    }

    void step(double learning_rate) override {
        at::NoGradGuard const no_gradient;
        for (std::size_t i = 0; i < means_.size(); ++i) {
            auto const& parameter = parameters()[i].tensor;
            if (!parameter.grad().defined()) continue;
            means_[i].mul_(beta_).add_(parameter.grad(), 1.0 - beta_);
            parameter.sub_(means_[i].sign(), learning_rate);
        }
    }
    void visit_state(proximal::run::state_archive& archive) override {
        for (std::size_t i = 0; i < means_.size(); ++i)
            proximal::lm::visit_tensor(archive, parameters()[i].name + "/mean", means_[i]);
    }

   private:
    double beta_;
    std::vector<at::Tensor> means_;
};

}  // namespace mine
