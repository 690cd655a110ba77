// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace support {

/// What a CUDA kernel's text needs to run where there is no GPU, as C++20 before it; after it, launch(blocks, threads,
/// [&] { kernel(...); }) runs it. The lanes of a block take turns: each runs up to a barrier, then the next does. A
/// shuffle is a barrier for the whole block. Exact: what the text says, lane by lane.
inline char const* const kernel_device = R"text(
#include <cstdlib>
#include <cstring>
#include <functional>
#include <ucontext.h>
#define __global__
#define __device__ static
#define __shared__ static
struct coordinate { unsigned x; };
static coordinate threadIdx, blockIdx, blockDim, gridDim;
static constexpr unsigned most_lanes = 1024, stack_bytes = 1 << 16;
static ucontext_t scheduler, lanes[most_lanes];
static bool has_ended[most_lanes];
static double slots[most_lanes][4];
static std::function<void()> const* body;
static void lane() { (*body)(), has_ended[threadIdx.x] = true; }
[[maybe_unused]] static void __syncthreads() { swapcontext(&lanes[threadIdx.x], &scheduler); }
template <class X> X lane_of(X x, unsigned thread) {
    static_assert(sizeof x <= sizeof slots[0]);
    std::memcpy(slots[threadIdx.x], &x, sizeof x);
    __syncthreads();
    std::memcpy(&x, slots[thread], sizeof x);
    __syncthreads();
    return x;
}
template <class X> X __shfl_up_sync(unsigned, X x, unsigned by) {
    return lane_of(x, threadIdx.x % 32 >= by ? threadIdx.x - by : threadIdx.x);
}
template <class X> X __shfl_xor_sync(unsigned, X x, unsigned by) { return lane_of(x, threadIdx.x ^ by); }
template <class X> X __shfl_sync(unsigned, X x, unsigned lane) { return lane_of(x, threadIdx.x / 32 * 32 + lane); }
template <class X> X atomicAdd(X* at, X x) { X const was = *at; *at += x; return was; }
template <class X> X atomicMin(X* at, X x) { X const was = *at; if (x < was) *at = x; return was; }
template <class X> X atomicMax(X* at, X x) { X const was = *at; if (x > was) *at = x; return was; }
static void launch(unsigned blocks, unsigned threads, std::function<void()> const& kernel) {
    static char* const stacks = static_cast<char*>(std::malloc(std::size_t(most_lanes) * stack_bytes));
    if (threads > most_lanes) std::abort();
    body = &kernel, gridDim.x = blocks, blockDim.x = threads;
    for (blockIdx.x = 0; blockIdx.x < blocks; ++blockIdx.x) {
        for (unsigned thread = 0; thread < threads; ++thread) {
            getcontext(&lanes[thread]);
            lanes[thread].uc_stack.ss_sp = stacks + std::size_t(thread) * stack_bytes;
            lanes[thread].uc_stack.ss_size = stack_bytes;
            lanes[thread].uc_link = &scheduler;
            makecontext(&lanes[thread], lane, 0);
            has_ended[thread] = false;
        }
        for (bool runs = true; runs;) {
            runs = false;
            for (unsigned thread = 0; thread < threads; ++thread) {
                if (has_ended[thread]) continue;
                threadIdx.x = thread;
                swapcontext(&scheduler, &lanes[thread]);
                runs = runs || !has_ended[thread];
            }
        }
    }
}
)text";

}  // namespace support
