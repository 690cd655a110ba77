// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <utility>
#include <vector>

namespace support {

/// Rows and steps of a batch.
using grid_sizes = std::vector<std::pair<int, int>>;

/// Checks of generated kernels against the CPU's numbers, for whatever device launches them: a GPU, or the pretend one.
/// Compiled once, in tests/libtorch/cuda/on_gpu.cpp.
void check_loss_kernels(at::Device device, grid_sizes const& sizes);
void check_scan_kernels(at::Device device, grid_sizes const& sizes);
void check_logprob_kernels(at::Device device, std::vector<std::int64_t> const& vocabularies);
void check_sample_kernel(at::Device device, std::vector<std::int64_t> const& vocabularies);

}  // namespace support
