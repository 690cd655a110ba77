// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace proximal::libtorch::cuda {

/// Threads of a block of sample_row.
inline constexpr unsigned sample_threads = 512;

/// The CUDA kernel that draws a token of each row of logits [N, V], a block per row:
///
///     sample_row(logits, numbers, tokens, logprobs, V, temperature, top_k, top_p)
///
/// z = logits / temperature; the top_k likeliest tokens stay (0: all; ties with the last of them stay), of these those
/// that hold top_p of the probability (1: all); the first token at which their cumulated probability exceeds
/// numbers[row], uniform in [0, 1), is drawn, and its log-probability among them written.
///
/// No row is sorted. The k-th likeliest token and the edge of top_p are found a byte of the ordered bit pattern at a
/// time, as radix sort would (Alabi et al., Fast k-selection algorithms for graphics processing units, 2012). For top_p
/// probabilities are summed in 40 bits of fixed point, so that no order of summation shows. Of tokens as likely as the
/// edge those with the lower index go first, as in a stable sort. NaN among the logits gives the log-probability NaN.
inline std::string sample_row_kernel(std::string const& scalar) {
    return "typedef " + scalar + " T;\ntypedef unsigned " + (scalar == "double" ? "long long" : "int") +
           R"cuda( bits;
typedef unsigned long long count;
__device__ bits top_bit() { return bits(1) << (8 * sizeof(bits) - 1); }
__device__ bits ordered(T x) {  // as whole numbers in the order of x, NaN above all
    if (x != x) return ~bits(0);
    union { T number; bits pattern; } both;
    both.number = x + T(0);  // one zero, not two
    return both.pattern & top_bit() ? ~both.pattern : both.pattern | top_bit();
}
__device__ T number_of(bits pattern) {
    union { T number; bits pattern; } both;
    both.pattern = pattern & top_bit() ? pattern & ~top_bit() : ~pattern;
    return both.number;
}
__device__ count fixed_point(T x) { return x > T(0) ? count(x * T(1099511627776.0)) : count(0); }  // 40 bits
// A sum of 64 bits in two halves: a GPU adds 32 bits to shared memory in one instruction, and 64 in a loop.
__device__ void add(unsigned* low, unsigned* high, count x) {
    unsigned const part = (unsigned)(x), was = atomicAdd(low, part);
    unsigned const rest = (unsigned)(x >> 32) + (was + part < was ? 1u : 0u);
    if (rest > 0) atomicAdd(high, rest);
}
__device__ count joined(unsigned low, unsigned high) { return count(high) << 32 | low; }
// The sum of what the threads before this one brought, and of all. Sums of a prefix never fall.
__device__ double sum_before(double mine, double& all) {
    __shared__ double of_thread[1024], of_warp[33];
    of_thread[threadIdx.x] = mine;
    __syncthreads();
    int const warps = (blockDim.x + 31) / 32;
    if (threadIdx.x < warps) {
        double sum = 0.0;
        int const end = 32 * threadIdx.x + 32 < blockDim.x ? 32 * threadIdx.x + 32 : blockDim.x;
        for (int t = 32 * threadIdx.x; t < end; ++t) {
            double const next = sum + of_thread[t];
            of_thread[t] = sum;
            sum = next;
        }
        of_warp[threadIdx.x] = sum;
    }
    __syncthreads();
    if (threadIdx.x == 0) {
        double sum = 0.0;
        for (int w = 0; w < warps; ++w) {
            double const next = sum + of_warp[w];
            of_warp[w] = sum;
            sum = next;
        }
        of_warp[32] = sum;
    }
    __syncthreads();
    all = of_warp[32];
    double const before = of_warp[threadIdx.x / 32] + of_thread[threadIdx.x];
    __syncthreads();
    return before;
}
extern "C" __global__ void sample_row(T const* logits, double const* numbers, long long* tokens, T* logprobs, int size,
                                      T temperature, int top_k, double top_p) {
    T const* const x = logits + (long long)(blockIdx.x) * size;
    int const width = 8 * sizeof(bits);
    __shared__ unsigned low[256], high[256];
    __shared__ count left;
    __shared__ int bin;

    __shared__ T highest_of[32];
    T highest = T(-1.0 / 0.0);
    for (int j = threadIdx.x; j < size; j += blockDim.x) {
        T const z = x[j] / temperature;
        if (z > highest) highest = z;
    }
    for (int by = 16; by > 0; by /= 2) {
        T const other = __shfl_xor_sync(~0u, highest, by);
        if (other > highest) highest = other;
    }
    if (threadIdx.x % 32 == 0) highest_of[threadIdx.x / 32] = highest;
    __syncthreads();
    for (int w = 0; w < (blockDim.x + 31) / 32; ++w)
        if (highest_of[w] > highest) highest = highest_of[w];

    bits least = 0;  // what is below it goes
    if (top_k > 0 && top_k < size) {
        if (threadIdx.x == 0) left = top_k;
        for (int shift = width - 8; shift >= 0; shift -= 8) {
            for (int b = threadIdx.x; b < 256; b += blockDim.x) low[b] = high[b] = 0;
            __syncthreads();
            for (int j = threadIdx.x; j < size; j += blockDim.x) {
                bits const key = ordered(x[j] / temperature);
                if (shift + 8 == width || key >> (shift + 8) == least >> (shift + 8))
                    atomicAdd(&low[(key >> shift) & 255], 1u);
            }
            __syncthreads();
            if (threadIdx.x == 0) {
                bin = 255;
                while (bin > 0 && low[bin] < left) left -= low[bin--];
            }
            __syncthreads();
            least |= bits(bin) << shift;
        }
    }

    bits edge = 0;            // the likelihood at which top_p cuts
    double gone_at_edge = 0;  // how many tokens as likely go
    if (top_p < 1.0) {
        __shared__ count below, limit;
        if (threadIdx.x == 0) low[0] = high[0] = 0;
        __syncthreads();
        count mine = 0;
        for (int j = threadIdx.x; j < size; j += blockDim.x) {
            T const z = x[j] / temperature;
            if (ordered(z) >= least) mine += fixed_point(exp(z - highest));
        }
        add(&low[0], &high[0], mine);
        __syncthreads();
        if (threadIdx.x == 0) {
            count const whole = joined(low[0], high[0]);
            below = 0;
            limit = count((1.0 - top_p) * double(whole));
            if (whole > 0 && limit >= whole) limit = whole - 1;  // the likeliest stays
        }
        for (int shift = width - 8; shift >= 0; shift -= 8) {
            for (int b = threadIdx.x; b < 256; b += blockDim.x) low[b] = high[b] = 0;
            __syncthreads();
            for (int j = threadIdx.x; j < size; j += blockDim.x) {
                T const z = x[j] / temperature;
                bits const key = ordered(z);
                if (key >= least && (shift + 8 == width || key >> (shift + 8) == edge >> (shift + 8)))
                    add(&low[(key >> shift) & 255], &high[(key >> shift) & 255], fixed_point(exp(z - highest)));
            }
            __syncthreads();
            if (threadIdx.x == 0) {
                bin = 0;
                for (; bin < 255 && below + joined(low[bin], high[bin]) <= limit; ++bin)
                    below += joined(low[bin], high[bin]);
            }
            __syncthreads();
            edge |= bits(bin) << shift;
        }
        count const each = fixed_point(exp(number_of(edge) - highest));
        if (each > 0) gone_at_edge = double((limit - below) / each);
    }

    int const share = (size + blockDim.x - 1) / blockDim.x;
    int const first = threadIdx.x * share < size ? threadIdx.x * share : size;
    int const last = first + share < size ? first + share : size;
    double of_edge = 0.0;  // tokens at the edge before this thread's
    if (gone_at_edge > 0) {
        double mine = 0.0, all = 0.0;
        for (int j = first; j < last; ++j) mine += ordered(x[j] / temperature) == edge;
        of_edge = sum_before(mine, all);
    }
    double sum = 0.0, seen_at_edge = of_edge;
    for (int j = first; j < last; ++j) {
        T const z = x[j] / temperature;
        bits const key = ordered(z);
        if (key < least || key < edge) continue;
        if (gone_at_edge > 0 && key == edge && seen_at_edge++ < gone_at_edge) continue;
        sum += double(exp(z - highest));
    }
    double all = 0.0;
    double const before = sum_before(sum, all), target = numbers[blockIdx.x] * all;
    __shared__ int who, latest;
    if (threadIdx.x == 0) who = blockDim.x, latest = -1;
    __syncthreads();
    if (sum > 0.0) atomicMax(&latest, int(threadIdx.x));
    if (sum > 0.0 && before + sum > target) atomicMin(&who, int(threadIdx.x));
    __syncthreads();
    // Rounding may leave a rest after the last one: then it is the last possible token.
    int const draws = who < blockDim.x ? who : latest;
    if (draws < 0 ? threadIdx.x != 0 : threadIdx.x != draws) return;
    double rest = target - before;
    int token = 0;
    seen_at_edge = of_edge;
    for (int j = first; j < last; ++j) {
        T const z = x[j] / temperature;
        bits const key = ordered(z);
        if (key < least || key < edge) continue;
        if (gone_at_edge > 0 && key == edge && seen_at_edge++ < gone_at_edge) continue;
        double const p = double(exp(z - highest));
        if (!(p > 0.0)) continue;
        token = j;
        rest -= p;
        if (rest < 0.0) break;
    }
    tokens[blockIdx.x] = token;
    logprobs[blockIdx.x] = x[token] / temperature - highest - T(log(all));
}
)cuda";
}

}  // namespace proximal::libtorch::cuda
