// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/compose/token_source.hpp>
#include <proximal/libtorch/cuda/token_loads.hpp>
#include <string>

namespace proximal::libtorch::cuda {

/// The CUDA kernel of sequence_means(): a warp per row of the grid [B, T].
///
///     sequence_mean(steps, mask, value_mask, inputs..., out)
///
/// Inputs stand in the order of averaged_source's. Launch with 32 threads a block and B blocks, before token_loss,
/// which takes `out` [B, T] as its input sequence_mean. The sum does not depend on scheduling.
template <SequenceLevel Formula>
std::string sequence_mean_kernel(Formula const& formula, std::string const& scalar) {
    source_text const source = averaged_source(formula);
    return "typedef " + scalar + R"cuda( T;
extern "C" __global__ void sequence_mean(int steps, T const* mask, T const* value_mask)cuda" +
           token_arguments(source) + R"cuda(, T* out) {
    const long long row = blockIdx.x;
    const int lane = threadIdx.x;
    T total = T(0), counted = T(0);
    for (int t = lane; t < steps; t += 32) {
        const long long i = row * steps + t;
        if (mask[i] == T(0)) continue;
)cuda" + token_loads(source) +
           "        T averaged;\n        {\n" + source.body + R"cuda(        }
        total = total + averaged;
        counted = counted + T(1);
    }
    for (int by = 16; by > 0; by /= 2) {
        total = total + __shfl_xor_sync(~0u, total, by);
        counted = counted + __shfl_xor_sync(~0u, counted, by);
    }
    const T mean = total / (counted > T(1) ? counted : T(1));
    for (int t = lane; t < steps; t += 32) out[row * steps + t] = mean;
}
)cuda";
}

}  // namespace proximal::libtorch::cuda
