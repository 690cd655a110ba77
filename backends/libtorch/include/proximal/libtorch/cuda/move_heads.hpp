// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

namespace proximal::libtorch::cuda {

/// The CUDA kernel that copies the heads of tokens from one layout to another and rotates them on the way, a block per
/// token:
///
///     move_heads(from, to, cos, sin, rows, positions, four strides of from, four of to, heads, half, direction)
///
/// Head h of token n, which is the one at positions[n] of rows[n], lies at n·token + rows[n]·row + positions[n]·column
/// + h·head of either tensor, its `head_size` entries side by side. Its first 2·half entries turn by the position's
/// angles (cos, sin [positions, half]), entry i with entry i + half; with direction −1 back again. `scalar` is float,
/// double or bfloat16; angles of bfloat16 numbers are float, and so are the products, rounded once, to the nearest.
inline std::string move_heads_kernel(std::string const& scalar, std::int64_t head_size) {
    bool const is_narrow = scalar == "bfloat16";
    std::string const numbers = !is_narrow ? "typedef " + scalar + " T;\ntypedef " + scalar + R"cuda( wide;
__device__ wide widen(T x) { return x; }
__device__ T narrow(wide x) { return x; }
)cuda"
                                           : R"cuda(struct T { unsigned short bits; };
typedef float wide;
__device__ wide widen(T x) {
    union { float number; unsigned bits; } y;
    y.bits = (unsigned)(x.bits) << 16;
    return y.number;
}
__device__ T narrow(wide x) {
    union { float number; unsigned bits; } y;
    y.number = x;
    T result;
    result.bits = (unsigned short)(x != x ? 0x7fc0u : (y.bits + 0x7fffu + ((y.bits >> 16) & 1u)) >> 16);
    return result;
}
)cuda";
    return numbers + "#define HEAD_SIZE " + std::to_string(head_size) + R"cuda(
extern "C" __global__ void move_heads(T const* from, T* to, wide const* cos, wide const* sin, long long const* rows,
                                      long long const* positions, long long from_token, long long from_row,
                                      long long from_column, long long from_head, long long to_token, long long to_row,
                                      long long to_column, long long to_head, int heads, int half, int direction) {
    long long const n = blockIdx.x, row = rows[n], position = positions[n];
    T const* const x = from + n * from_token + row * from_row + position * from_column;
    T* const y = to + n * to_token + row * to_row + position * to_column;
    for (int i = threadIdx.x; i < heads * HEAD_SIZE; i += blockDim.x) {
        int const h = i / HEAD_SIZE, d = i % HEAD_SIZE;
        T const* const head = x + h * from_head;
        T moved = head[d];
        if (d < 2 * half) {
            int const angle = d < half ? d : d - half;
            wide const c = cos[position * half + angle], s = direction * sin[position * half + angle];
            wide const other = widen(head[d < half ? d + half : d - half]);
            moved = narrow(d < half ? widen(moved) * c - other * s : widen(moved) * c + other * s);
        }
        y[h * to_head + d] = moved;
    }
}
)cuda";
}

}  // namespace proximal::libtorch::cuda
