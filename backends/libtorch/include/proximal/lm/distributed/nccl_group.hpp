// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <c10/util/intrusive_ptr.h>
#include <torch/csrc/distributed/c10d/Backend.hpp>
#include <torch/csrc/distributed/c10d/Store.hpp>

#include <chrono>
#include <cstdint>
#include <proximal/libtorch/cuda/module_function.hpp>

namespace proximal::lm {

/// The name under which libproximal_cuda.so offers a process group, and its type: the group's pointer is the caller's.
inline constexpr char const* nccl_group_symbol = "proximal_make_nccl_group";
using make_nccl_group = c10d::Backend*(c10d::Store* store, std::int64_t rank, std::int64_t world_size,
                                       std::int64_t timeout_ms);

/// A process group on NCCL, which a module of its own links: see cuda::module_function.
/// Throws std::runtime_error where that module is not there.
inline c10::intrusive_ptr<c10d::Backend> nccl_group(c10::intrusive_ptr<c10d::Store> const& store, std::int64_t rank,
                                                    std::int64_t world_size, std::chrono::milliseconds timeout) {
    auto* const make = libtorch::cuda::module_function<make_nccl_group>(nccl_group_symbol, "NCCL",
                                                                        "give --ddp_backend gloo with --use_cpu");
    return c10::intrusive_ptr<c10d::Backend>::reclaim(make(store.get(), rank, world_size, timeout.count()));
}

}  // namespace proximal::lm
