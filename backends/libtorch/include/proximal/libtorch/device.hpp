// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <dlfcn.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>

namespace proximal::libtorch {

/// Why there is an NVIDIA driver and no GPU to be used, in a sentence; none where that was wished. Versions are CUDA's,
/// as its libraries give them (13000 is 13.0; 0: unknown); `visible` is CUDA_VISIBLE_DEVICES, or null.
inline std::string why_no_gpu(int of_driver, int of_libtorch, char const* visible) {
    auto const name = [](int version) {
        return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
    };
    std::string const shown = visible == nullptr ? "" : visible;
    if (visible != nullptr && (shown.empty() || shown == "-1")) return "";
    if (of_driver > 0 && of_libtorch > 0 && of_driver / 1000 < of_libtorch / 1000)
        return "the NVIDIA driver is made for CUDA " + name(of_driver) + " and this LibTorch for " + name(of_libtorch) +
               ": this run is on the CPU; update the driver, or install a LibTorch for CUDA " +
               std::to_string(of_driver / 1000);
    if (visible != nullptr)
        return "no GPU is usable among CUDA_VISIBLE_DEVICES=" + shown +
               ": this run is on the CPU; check the numbers there";
    return "an NVIDIA driver is installed, but no GPU can be used: this run is on the CPU; `nvidia-smi` says more";
}

/// The first GPU that LibTorch can use, else the CPU.
///
/// Programs link LibTorch's CPU library alone. Its CUDA library registers itself when it is loaded, which is done here,
/// and only where an NVIDIA driver is: a CPU-only run never pays for it.
/// Where there is a driver and no GPU can be used, a line on stderr says why.
/// The `local_rank`-th of a machine's processes takes its `local_rank`-th GPU, and it becomes the current one. Throws
/// std::invalid_argument where the machine has fewer.
inline at::Device choose_device(bool use_cpu, std::int64_t local_rank = 0) {
    if (use_cpu || ::dlopen("libcuda.so.1", RTLD_LAZY | RTLD_LOCAL) == nullptr) return at::kCPU;
    if (::dlopen("libtorch_cuda.so", RTLD_LAZY | RTLD_GLOBAL) == nullptr) return at::kCPU;
    auto const& hooks = at::detail::getCUDAHooks();
    if (!hooks.hasCUDA() || hooks.deviceCount() == 0) {
        auto const version = [](char const* library, char const* function) {
            int found = 0;
            void* const opened = ::dlopen(library, RTLD_LAZY | RTLD_LOCAL | RTLD_NOLOAD);
            if (auto* const ask = opened == nullptr ? nullptr : ::dlsym(opened, function))
                reinterpret_cast<int (*)(int*)>(ask)(&found);
            return found;
        };
        auto const of_libtorch = std::max(version("libcudart.so.13", "cudaRuntimeGetVersion"),
                                          version("libcudart.so.12", "cudaRuntimeGetVersion"));
        if (auto const why = why_no_gpu(version("libcuda.so.1", "cuDriverGetVersion"), of_libtorch,
                                        std::getenv("CUDA_VISIBLE_DEVICES"));
            !why.empty())
            std::fprintf(stderr, "note       %s\n", why.c_str());
        return at::kCPU;
    }
    if (local_rank >= hooks.deviceCount())
        throw std::invalid_argument("this is process " + std::to_string(local_rank + 1) +
                                    " of its machine, which has GPUs for " + std::to_string(hooks.deviceCount()) +
                                    ": start fewer processes there (torchrun --nproc-per-node), or give --use_cpu");
    at::Device const device(at::kCUDA, static_cast<at::DeviceIndex>(local_rank));
    c10::impl::getDeviceGuardImpl(at::kCUDA)->setDevice(device);
    return device;
}

}  // namespace proximal::libtorch
