// SPDX-License-Identifier: Apache-2.0
//
// Of libproximal_cuda.so: process groups on NCCL. See lm/distributed/nccl_group.hpp.
#ifndef USE_C10D_NCCL
#define USE_C10D_NCCL
#endif
#include <proximal/lm/distributed/nccl_group.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>

extern "C" c10d::Backend* proximal_make_nccl_group(c10d::Store* store, std::int64_t rank, std::int64_t world_size,
                                                   std::int64_t timeout_ms) {
    auto const options = c10d::ProcessGroupNCCL::Options::create();
    options->timeout = std::chrono::milliseconds(timeout_ms);
    c10::intrusive_ptr<c10d::Backend> group =
        c10::make_intrusive<c10d::ProcessGroupNCCL>(c10::intrusive_ptr<c10d::Store>::reclaim_copy(store),
                                                    static_cast<int>(rank), static_cast<int>(world_size), options);
    return group.release();
}
