// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/affine.hpp>
#include <proximal/numeric/source_text.hpp>
#include <string>
#include <utility>

namespace proximal::libtorch::cuda {

/// The CUDA kernel of a linear recurrence over Inputs arrays [B, T]: a warp per row, 32 steps a round.
///
///     reverse_scan(B, T, x0, x1, ..., out)
///
/// Source: Blelloch (1990), as affine.hpp. A warp composes its lanes' steps in five shuffles, last step first, then
/// carries the row's tail on. Launch with 32 threads a block and B blocks. delta and decay are computed, never stored.
template <int Inputs, class Formula>
std::string reverse_scan_kernel(Formula const& formula, std::string const& scalar) {
    auto const input = [](int k) { return number<trace>::constant(trace::input("x" + std::to_string(k))); };
    auto const step = [&]<int... k>(std::integer_sequence<int, k...>) { return formula(input(k)...); }
    (std::make_integer_sequence<int, Inputs>{});
    number<trace> const delta_text = step.delta, decay_text = step.decay;
    source_text const source({{"delta", delta_text.value}, {"decay", decay_text.value}});
    std::string arguments, loads;
    for (int k = 0; k < Inputs; ++k) arguments += "T const* x" + std::to_string(k) + "_at, ";
    for (auto const& name : source.inputs)
        loads += "            const T " + name + " = " + name + "_at[row * steps + t];\n";
    return "typedef " + scalar + R"cuda( T;
extern "C" __global__ void reverse_scan(long long rows, int steps, )cuda" +
           arguments + R"cuda(T* out) {
    const long long row = blockIdx.x;
    const int lane = threadIdx.x;
    T tail = T(0);
    for (int last = steps - 1; last >= 0; last -= 32) {
        const int t = last - lane;
        T delta = T(0), decay = T(1);
        if (t >= 0) {
)cuda" + loads +
           source.body + R"cuda(        }
        for (int by = 1; by < 32; by *= 2) {
            const T later_delta = __shfl_up_sync(~0u, delta, by), later_decay = __shfl_up_sync(~0u, decay, by);
            if (lane >= by) {
                delta = delta + decay * later_delta;
                decay = decay * later_decay;
            }
        }
        const T here = delta + decay * tail;
        if (t >= 0) out[row * steps + t] = here;
        tail = __shfl_sync(~0u, here, 31);
    }
}
)cuda";
}

}  // namespace proximal::libtorch::cuda
