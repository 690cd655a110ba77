// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>

namespace proximal::libtorch {

/// A tensor of the host on a device, without waiting for that: through pinned memory of its own, so that the tensor may
/// be changed at once. What is there already stays as it is.
inline at::Tensor upload(at::Tensor const& x, at::Device device) {
    if (device.is_cpu() || x.device() == device) return x.to(device);
    return (x.is_cpu() ? (x.is_pinned() ? x.clone() : x).pin_memory() : x)
        .to(device, x.scalar_type(), /*non_blocking=*/true);
}

}  // namespace proximal::libtorch
