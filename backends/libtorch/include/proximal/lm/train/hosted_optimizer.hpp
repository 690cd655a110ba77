// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <proximal/lm/train/optimizer.hpp>
#include <utility>
#include <vector>

namespace proximal::lm {

/// An optimizer that keeps its state in the host's memory and makes its steps there (`--offload_optimizer`): gradients
/// go to the host, and the moved parameters come back. Parameters that something else changed meanwhile go there too: a
/// checkpoint that was loaded, what other processes sent.
///
/// Its numbers are those that `make`'s optimizer gives on the CPU.
/// Source: Ren et al., ZeRO-Offload: Democratizing Billion-Scale Model Training (2021), arXiv 2101.06840, without its
/// delayed update.
class hosted_optimizer final : public optimizer {
   public:
    /// Makes the optimizer that moves the host's copies.
    using maker = std::function<std::shared_ptr<optimizer>(std::vector<named_tensor>)>;

    hosted_optimizer(std::vector<named_tensor> const& parameters, maker const& make) : optimizer(parameters) {
        std::vector<named_tensor> copies;
        for (auto const& parameter : parameters) {
            slots_.push_back({parameter.tensor.detach().to(at::kCPU, /*non_blocking=*/false, /*copy=*/true),
                              version_of(parameter.tensor)});
            copies.push_back({parameter.name, parameter.kind, slots_.back().copy});
        }
        inner_ = make(std::move(copies));
    }

    void step(double learning_rate) override {
        at::NoGradGuard const no_gradient;
        for (std::size_t i = 0; i < slots_.size(); ++i) {
            auto const& parameter = parameters()[i].tensor;
            auto& slot = slots_[i];
            if (!parameter.grad().defined()) continue;
            slot.copy.mutable_grad() = parameter.grad().to(at::kCPU, /*non_blocking=*/false, /*copy=*/true);
            if (version_of(parameter) != slot.version) slot.copy.copy_(parameter.detach());
        }
        inner_->step(learning_rate);
        for (std::size_t i = 0; i < slots_.size(); ++i) {
            auto& slot = slots_[i];
            if (!slot.copy.grad().defined()) continue;
            at::Tensor moved = parameters()[i].tensor.detach();
            moved.copy_(slot.copy);
            slot.version = version_of(parameters()[i].tensor);
        }
        inner_->zero_grad();
    }
    void visit_state(run::state_archive& archive) override { inner_->visit_state(archive); }

   private:
    struct slot {
        at::Tensor copy;        // of the parameter, on the host
        std::uint32_t version;  // of the parameter's numbers that it is a copy of
    };
    static std::uint32_t version_of(at::Tensor const& x) {
        return static_cast<std::uint32_t>(x.unsafeGetTensorImpl()->version_counter().current_version());
    }

    std::vector<slot> slots_;
    std::shared_ptr<optimizer> inner_;
};

}  // namespace proximal::lm
