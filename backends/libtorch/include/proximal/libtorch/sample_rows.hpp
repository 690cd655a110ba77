// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <proximal/libtorch/cuda/launch.hpp>
#include <proximal/libtorch/cuda/sample_row.hpp>

namespace proximal::libtorch {

/// A token drawn of each row, and how likely it was among those that could be drawn.
struct sampled_rows {
    at::Tensor tokens;    // [N] int64
    at::Tensor logprobs;  // [N]
};

/// Draws a token of each row of logits [N, V], float32 or float64, in one kernel: see cuda::sample_row_kernel.
/// `numbers` [N] float64, uniform in [0, 1), lie where the logits do; temperature above 0, top_k 0 (all) or more, top_p
/// in (0, 1].
inline sampled_rows sample_rows(cuda::launcher const& launch, at::Tensor const& logits, at::Tensor const& numbers,
                                double temperature, std::int64_t top_k, double top_p) {
    std::int64_t const rows = logits.size(0), size = logits.size(1);
    at::Tensor const x = logits.contiguous(), u = numbers.contiguous();
    sampled_rows const drawn{at::empty({rows}, logits.options().dtype(at::kLong)), at::empty({rows}, logits.options())};
    auto const run = [&]<class T>(T const* at) {
        launch(cuda::sample_row_kernel(cuda::scalar_name(logits.scalar_type())), "sample_row", logits.device(), rows,
               cuda::sample_threads, at, u.const_data_ptr<double>(), drawn.tokens.mutable_data_ptr<std::int64_t>(),
               drawn.logprobs.mutable_data_ptr<T>(), static_cast<int>(size), static_cast<T>(temperature),
               static_cast<int>(top_k < size ? top_k : 0), top_p);
    };
    x.scalar_type() == at::kFloat ? run(x.const_data_ptr<float>()) : run(x.const_data_ptr<double>());
    return drawn;
}

}  // namespace proximal::libtorch
