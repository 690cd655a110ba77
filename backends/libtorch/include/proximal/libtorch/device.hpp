// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <dlfcn.h>

#include <cstdint>
#include <stdexcept>
#include <string>

namespace proximal::libtorch {

/// The first GPU that LibTorch can use, else the CPU.
///
/// Programs link LibTorch's CPU library alone. Its CUDA library registers itself when it is loaded, which is done here,
/// and only where an NVIDIA driver is: a CPU-only run never pays for it.
/// The `local_rank`-th of a machine's processes takes its `local_rank`-th GPU, and it becomes the current one. Throws
/// std::invalid_argument where the machine has fewer.
inline at::Device choose_device(bool use_cpu, std::int64_t local_rank = 0) {
    if (use_cpu || ::dlopen("libcuda.so.1", RTLD_LAZY | RTLD_LOCAL) == nullptr) return at::kCPU;
    if (::dlopen("libtorch_cuda.so", RTLD_LAZY | RTLD_GLOBAL) == nullptr) return at::kCPU;
    auto const& hooks = at::detail::getCUDAHooks();
    if (!hooks.hasCUDA() || hooks.deviceCount() == 0) return at::kCPU;
    if (local_rank >= hooks.deviceCount())
        throw std::invalid_argument("this is process " + std::to_string(local_rank + 1) +
                                    " of its machine, which has GPUs for " + std::to_string(hooks.deviceCount()) +
                                    ": start fewer processes there (torchrun --nproc-per-node), or give --use_cpu");
    at::Device const device(at::kCUDA, static_cast<at::DeviceIndex>(local_rank));
    c10::impl::getDeviceGuardImpl(at::kCUDA)->setDevice(device);
    return device;
}

}  // namespace proximal::libtorch
