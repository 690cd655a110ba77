// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace proximal::libtorch::cuda {

/// Threads of a block of row_kernels.
inline constexpr unsigned row_threads = 512;

/// The CUDA kernels of token_logprobs: a block per row of logits [N, V], one reading of the row forward, one backward.
///
///     row_statistics(logits, targets, logprob, entropy, highest, log_total, V, 1 / temperature)
///     row_gradient(logits, targets, entropy, highest, log_total, d_logprob, d_entropy, d_logits, V, 1 / temperature)
///
/// Source: Milakov and Gimelshein, Online Normalizer Calculation for Softmax (2018), arXiv 1805.02867, with Σ z eᶻ
/// carried along for the entropy. d_logits may be logits itself. −∞ marks an impossible token; NaN propagates, and a
/// target outside the vocabulary has the log-probability NaN. Launch with row_threads threads a block and N blocks.
inline std::string row_kernels(std::string const& scalar) {
    return "typedef " + scalar + R"cuda( T;
struct running { T highest, total, moment; };  // max z, sum exp(z - max), sum (z - max) exp(z - max)
__device__ T minus_infinity() { return T(-1.0 / 0.0); }
__device__ running merge(running a, running b) {
    if (b.highest > a.highest) { running const swapped = a; a = b; b = swapped; }
    if (b.highest == minus_infinity() && b.total == T(0)) return a;
    T const shift = b.highest - a.highest, scale = exp(shift);
    a.moment += scale * (b.moment + shift * b.total);
    a.total += scale * b.total;
    return a;
}
__device__ running shuffled(running a, int by) {
    return {__shfl_xor_sync(~0u, a.highest, by), __shfl_xor_sync(~0u, a.total, by), __shfl_xor_sync(~0u, a.moment, by)};
}
extern "C" __global__ void row_statistics(T const* logits, long long const* targets, T* logprob, T* entropy, T* highest,
                                          T* log_total, int size, T scale) {
    long long const row = blockIdx.x;
    T const* const x = logits + row * size;
    running const nothing = {minus_infinity(), T(0), T(0)};
    running apart[4] = {nothing, nothing, nothing, nothing};  // so that four exponentials are under way at once
    for (int first = threadIdx.x; first < size; first += 4 * blockDim.x) {
        T z[4];
#pragma unroll
        for (int k = 0; k < 4; ++k) {
            int const j = first + k * blockDim.x;
            z[k] = j < size ? x[j] * scale : minus_infinity();
        }
#pragma unroll
        for (int k = 0; k < 4; ++k)
            if (z[k] != minus_infinity())
                apart[k] = merge(apart[k], {z[k], z[k] - z[k] == T(0) ? T(1) : z[k] - z[k], T(0)});
    }
    running mine = merge(merge(apart[0], apart[1]), merge(apart[2], apart[3]));
    for (int by = 16; by > 0; by /= 2) mine = merge(mine, shuffled(mine, by));
    __shared__ running of_warp[32];
    if (threadIdx.x % 32 == 0) of_warp[threadIdx.x / 32] = mine;
    __syncthreads();
    if (threadIdx.x != 0) return;
    for (int w = 1; w < (blockDim.x + 31) / 32; ++w) mine = merge(mine, of_warp[w]);
    highest[row] = mine.highest;
    log_total[row] = log(mine.total);
    entropy[row] = log_total[row] - mine.moment / mine.total;
    long long const target = targets[row];
    logprob[row] = target < 0 || target >= size ? T(0.0 / 0.0) : (x[target] * scale - mine.highest) - log_total[row];
}
extern "C" __global__ void row_gradient(T const* logits, long long const* targets, T const* entropy, T const* highest,
                                        T const* log_total, T const* d_logprob, T const* d_entropy, T* d_logits,
                                        int size, T scale) {
    long long const row = blockIdx.x;
    T const slope = -d_entropy[row] * scale, offset = slope * entropy[row] - d_logprob[row] * scale;
    for (int j = threadIdx.x; j < size; j += blockDim.x) {
        T const l = (logits[row * size + j] * scale - highest[row]) - log_total[row];
        T const from_all = l == minus_infinity() ? T(0) : exp(l) * (l * slope + offset);
        d_logits[row * size + j] = from_all + (j == targets[row] ? d_logprob[row] * scale : T(0));
    }
}
)cuda";
}

}  // namespace proximal::libtorch::cuda
