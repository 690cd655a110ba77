// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <dlfcn.h>

namespace proximal::libtorch {

/// The first GPU that LibTorch can use, else the CPU.
///
/// Programs link LibTorch's CPU library alone. Its CUDA library registers itself when it is loaded, which is done here,
/// and only where an NVIDIA driver is: a CPU-only run never pays for it.
inline at::Device choose_device(bool use_cpu) {
    if (use_cpu || ::dlopen("libcuda.so.1", RTLD_LAZY | RTLD_LOCAL) == nullptr) return at::kCPU;
    if (::dlopen("libtorch_cuda.so", RTLD_LAZY | RTLD_GLOBAL) == nullptr) return at::kCPU;
    auto const& hooks = at::detail::getCUDAHooks();
    return hooks.hasCUDA() && hooks.deviceCount() > 0 ? at::Device(at::kCUDA, 0) : at::Device(at::kCPU);
}

}  // namespace proximal::libtorch
