// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>

#include <concepts>
#include <cstdint>

namespace proximal::lm {

/// Chooses the next token of every running row: (log-probabilities [R, V] after temperature and filters, which rows of
/// the batch these are [R] int64 on the CPU, step) → tokens [R] int64 where the log-probabilities are.
///
/// Laws: a row's choice depends on its own log-probabilities, its index and the step only, so that rows may leave the
/// batch without a change to the others.
template <class Sampler>
concept TokenSampler = requires(Sampler sampler, at::Tensor const& x, std::int64_t step) {
    { sampler(x, x, step) } -> std::convertible_to<at::Tensor>;
};

}  // namespace proximal::lm
