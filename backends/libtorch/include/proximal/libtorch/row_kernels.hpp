// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>

namespace proximal::libtorch {

/// Of one row of logits, z = scale · logits. The normaliser stays in two parts: at z near 10⁴ their sum would lose the
/// digits of log p = (z − highest) − log_total.
template <class T>
struct statistics_of {
    T highest;    // max z
    T log_total;  // log Σ e^(z − highest)
    T entropy;    // of softmax(z)
};
/// What the float kernels find out about a row.
using row_statistics = statistics_of<float>;

// The kernels once per instruction set; which one runs is decided by the CPU at run time. (target_clones would compile
// the vectors for the baseline before it clones.)
namespace baseline {
inline constexpr int lanes = 4;
#include <proximal/libtorch/row_kernels.inc>
}  // namespace baseline

#if defined(__x86_64__)
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma")
#endif
namespace avx2 {
inline constexpr int lanes = 8;
#include <proximal/libtorch/row_kernels.inc>
}  // namespace avx2
#if defined(__clang__)
#pragma clang attribute pop
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,fma"))), apply_to = function)
#else
#pragma GCC pop_options
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,fma,prefer-vector-width=512")
#endif
namespace avx512 {
inline constexpr int lanes = 16;
#include <proximal/libtorch/row_kernels.inc>
}  // namespace avx512
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif

/// The kernels of an instruction set, as functions of a row.
struct row_kernels {
    char const* name;
    row_statistics (*statistics)(float const* x, std::int64_t size, float scale);
    void (*gradient)(float const* x, float* d, std::int64_t size, float scale, row_statistics const& row, float slope,
                     float offset);
    bool (*runs_here)();
};

/// From the widest to the baseline, which runs everywhere.
inline constexpr row_kernels all_row_kernels[] = {
#if defined(__x86_64__)
    {"avx512", avx512::statistics, avx512::gradient,
     [] {
         return __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
                __builtin_cpu_supports("avx512vl");
     }},
    {"avx2", avx2::statistics, avx2::gradient,
     [] { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }},
#endif
    {"baseline", baseline::statistics, baseline::gradient, [] { return true; }},
};

/// The widest that this CPU runs.
inline row_kernels const& best_row_kernels() {
    static row_kernels const& best = []() -> row_kernels const& {
        for (auto const& kernels : all_row_kernels)
            if (kernels.runs_here()) return kernels;
        return all_row_kernels[0];
    }();
    return best;
}

}  // namespace proximal::libtorch
