// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <c10/util/intrusive_ptr.h>
#include <dlfcn.h>
#include <torch/csrc/distributed/c10d/Backend.hpp>
#include <torch/csrc/distributed/c10d/Store.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <system_error>

namespace proximal::lm {

/// The name under which libproximal_nccl.so offers a process group, and its type: the group's pointer is the caller's.
inline constexpr char const* nccl_group_symbol = "proximal_make_nccl_group";
using make_nccl_group = c10d::Backend*(c10d::Store* store, std::int64_t rank, std::int64_t world_size,
                                       std::int64_t timeout_ms);

/// A process group on NCCL. Programs link LibTorch's CPU library alone and load its CUDA library where a GPU is (see
/// choose_device); what needs that library to link is a module of its own, libproximal_nccl.so, which lies beside the
/// program or in ../lib. Throws std::runtime_error where it is not there: it is built where LibTorch brings CUDA.
inline c10::intrusive_ptr<c10d::Backend> nccl_group(c10::intrusive_ptr<c10d::Store> const& store, std::int64_t rank,
                                                    std::int64_t world_size, std::chrono::milliseconds timeout) {
    static constexpr char const* name = "libproximal_nccl.so";
    std::error_code ignored;
    auto const program = std::filesystem::read_symlink("/proc/self/exe", ignored).parent_path();
    void* module = nullptr;
    std::string why;
    for (auto const& place : {program / name, program / "../lib" / name, std::filesystem::path(name)})
        if (module == nullptr) {
            module = ::dlopen(place.c_str(), RTLD_NOW | RTLD_LOCAL);
            if (auto const* const error = module == nullptr ? ::dlerror() : nullptr; why.empty() && error != nullptr)
                why = error;
        }
    auto* const make =
        module == nullptr ? nullptr : reinterpret_cast<make_nccl_group*>(::dlsym(module, nccl_group_symbol));
    if (make == nullptr)
        throw std::runtime_error(
            "NCCL cannot be used (" + why +
            "): build with a LibTorch that brings CUDA, or give --ddp_backend gloo with --use_cpu");
    return c10::intrusive_ptr<c10d::Backend>::reclaim(make(store.get(), rank, world_size, timeout.count()));
}

}  // namespace proximal::lm
