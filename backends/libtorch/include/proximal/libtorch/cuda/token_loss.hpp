// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/compose/token_source.hpp>
#include <proximal/libtorch/cuda/token_loads.hpp>
#include <string>

namespace proximal::libtorch::cuda {

/// The CUDA kernel of a composed loss: value, gradient and metrics of N = B · T tokens in one pass over the grid.
///
///     token_loss(n, mask, value_mask, inputs..., gradients..., block_sums)
///
/// Arguments stand in the order of source_text's `inputs`, then of its outputs that are gradients (d_logprob, ...),
/// each [N] of `scalar` ("float" or "double"). block_sums is double [gridDim.x, K]: loss, then the metrics; row sums
/// are added up by the caller, in order, so the result does not depend on scheduling. Launch with 256 threads a block.
/// A token outside its mask reads as 0 and gets no gradient, as tokens() has it.
inline std::string token_loss_kernel(source_text const& source, std::string const& scalar) {
    std::string arguments = token_arguments(source), gradients, sums, results;
    int kept = 0;
    for (auto const& name : source.outputs) {
        results += std::string(results.empty() ? "" : ", ") + name;
        if (name.starts_with("d_")) {
            arguments += ", T* " + name + "_at";
            gradients += "        " + name + "_at[i] = " + mask_of(name) + "[i] != T(0) ? " + name + " : T(0);\n";
        } else {
            sums += "        sums[" + std::to_string(kept++) + "] += (double)" + name + ";\n";
        }
    }
    return "typedef " + scalar + " T;\nconst int K = " + std::to_string(kept) + R"cuda(;
extern "C" __global__ void token_loss(long long n, T const* mask, T const* value_mask)cuda" +
           arguments + R"cuda(, double* block_sums) {
    double sums[K] = {};
    const long long stride = gridDim.x * (long long)blockDim.x;
    for (long long i = blockIdx.x * (long long)blockDim.x + threadIdx.x; i < n; i += stride) {
)cuda" + token_loads(source) +
           "        T " + results + ";\n        {\n" + source.body + "        }\n" + gradients + sums + R"cuda(    }
    __shared__ double partial[256];
    for (int k = 0; k < K; ++k) {
        __syncthreads();
        partial[threadIdx.x] = sums[k];
        for (int half = blockDim.x / 2; half > 0; half /= 2) {
            __syncthreads();
            if (threadIdx.x < half) partial[threadIdx.x] += partial[threadIdx.x + half];
        }
        if (threadIdx.x == 0) block_sums[blockIdx.x * K + k] = partial[0];
    }
}
)cuda";
}
/// The same of a formula.
template <TokenLoss Formula>
std::string token_loss_kernel(Formula const& formula, std::string const& scalar) {
    return token_loss_kernel(token_source(formula), scalar);
}

}  // namespace proximal::libtorch::cuda
