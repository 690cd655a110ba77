// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/TensorIterator.h>

#include <cstdint>

namespace proximal::libtorch {

/// Runs body(first, last) over the pieces of [begin, end) on LibTorch's own threads, no piece below `grain` (≥ 1)
/// unless the whole is; one call on this thread where that is all there is.
///
/// at::parallel_for is a template: in a program built without OpenMP flags it silently runs on one thread, and with
/// them a compiler may bring a second runtime. The loop inside TensorIterator is compiled into LibTorch, so it has
/// neither trouble.
template <class Body>
void parallel_for(std::int64_t begin, std::int64_t end, std::int64_t grain, Body const& body) {
    if (begin >= end) return;
    if (end - begin <= grain || at::get_num_threads() == 1) return body(begin, end);
    at::Tensor const places = at::empty({end - begin}, at::kByte);  // only their addresses are used
    auto const* const first = static_cast<char const*>(places.const_data_ptr());
    auto iterator =
        at::TensorIteratorConfig().check_all_same_dtype(false).resize_outputs(false).add_output(places).build();
    auto const piece = [&](char** data, std::int64_t const* /*strides*/, std::int64_t count,
                           std::int64_t /*always 1: one dimension*/) {
        std::int64_t const from = begin + (data[0] - first);
        body(from, from + count);
    };
    iterator.for_each(piece, grain);
}

}  // namespace proximal::libtorch
