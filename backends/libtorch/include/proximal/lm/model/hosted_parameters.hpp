// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <proximal/lm/model/parameter.hpp>
#include <utility>
#include <vector>

namespace proximal::lm {

/// Parameters of a model that is asked now and then and does not learn, kept in the host's memory meanwhile
/// (`--offload_reference`, `--offload_reward`).
///
/// The parameters stay the tensors that they are, on their device. What they hold is there only while somebody holds
/// them (held_on_device); else all of it reads as NaN and takes the memory of one number each. Holding copies the
/// host's numbers to the device; what was changed there is lost. Not for several threads at once.
class hosted_parameters {
   public:
    explicit hosted_parameters(std::vector<named_tensor> const& parameters) {
        at::NoGradGuard const no_gradient;
        for (auto const& parameter : parameters) {
            bool const is_known = std::any_of(members_.begin(), members_.end(), [&](member const& known) {
                return known.on_device.is_same(parameter.tensor);
            });
            if (is_known) continue;  // embeddings that are the head too
            at::Tensor host = parameter.tensor.detach().to(at::kCPU, /*non_blocking=*/false, /*copy=*/true);
            if (parameter.tensor.is_cuda()) host = host.pin_memory();
            members_.push_back({parameter.tensor, std::move(host)});
        }
        leave();
    }
    hosted_parameters(hosted_parameters const&) = delete;
    hosted_parameters& operator=(hosted_parameters const&) = delete;
    /// Gives what they hold back, for whoever uses the model after.
    ~hosted_parameters() {
        at::NoGradGuard const no_gradient;
        if (holders_ == 0)
            for (auto& one : members_) one.on_device.set_data(one.on_host.to(one.on_device.device()));
    }

    void hold() {
        if (holders_++ > 0) return;
        at::NoGradGuard const no_gradient;
        for (auto& one : members_)
            one.on_device.set_data(one.on_host.to(one.on_device.device(), /*non_blocking=*/true, /*copy=*/true));
    }
    void release() {
        if (holders_ > 0 && --holders_ == 0) leave();
    }

   private:
    struct member {
        at::Tensor on_device, on_host;
    };
    void leave() {
        at::NoGradGuard const no_gradient;
        for (auto& one : members_)
            one.on_device.set_data(at::full({1}, std::numeric_limits<double>::quiet_NaN(), one.on_device.options())
                                       .requires_grad_(false)
                                       .expand(one.on_device.sizes()));
    }

    std::vector<member> members_;
    int holders_ = 0;
};

/// Holds parameters as long as it lives; null: nothing.
class held_on_device {
   public:
    explicit held_on_device(std::shared_ptr<hosted_parameters> parameters) : parameters_(std::move(parameters)) {
        if (parameters_) parameters_->hold();
    }
    held_on_device(held_on_device const&) = delete;
    held_on_device& operator=(held_on_device const&) = delete;
    ~held_on_device() {
        if (parameters_) parameters_->release();
    }

   private:
    std::shared_ptr<hosted_parameters> parameters_;
};

}  // namespace proximal::lm
