// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <proximal/lm/distributed/communicator.hpp>
#include <proximal/lm/train/optimizer.hpp>

namespace proximal::lm {

/// Averages gradients over all processes. A parameter without a gradient here may have one elsewhere: it takes part
/// with zeros.
inline void average_gradients(optimizer const& optimizer, communicator& world) {
    if (world.world_size() == 1) return;
    at::NoGradGuard const no_gradient;
    for (auto const& parameter : optimizer.parameters()) {
        auto& gradient = parameter.tensor.mutable_grad();
        if (!gradient.defined()) gradient = at::zeros_like(parameter.tensor);
        world.all_reduce_sum(gradient);
        gradient.div_(static_cast<double>(world.world_size()));
    }
}

}  // namespace proximal::lm
