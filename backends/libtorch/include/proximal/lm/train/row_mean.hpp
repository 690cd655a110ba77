// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>

#include <proximal/libtorch/upload.hpp>

namespace proximal::lm {

/// The mean of x [B], in at least float32, over the rows that were scored: those that `scored` [B] (bool, on the host)
/// marks, all where it is undefined. [] on x's device. Waits for nothing.
inline at::Tensor row_mean(at::Tensor const& x, at::Tensor const& scored) {
    at::Tensor const rows = x.to(at::promoteTypes(x.scalar_type(), at::kFloat));
    if (!scored.defined()) return rows.mean();
    return at::where(libtorch::upload(scored, rows.device()), rows, 0.0).sum() / scored.sum().item<std::int64_t>();
}

}  // namespace proximal::lm
