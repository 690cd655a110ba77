// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>

#include <concepts>
#include <cstdint>
#include <proximal/libtorch/cuda/launch.hpp>
#include <proximal/libtorch/sample_rows.hpp>
#include <proximal/lm/generation/sampling.hpp>

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

/// A sampler that knows beforehand what it needs from outside, so that a step of decoding asks nothing of the host:
/// plan(B, T) gives an entry for each row of the batch and step, [B, T] of any dtype on the host, and
/// choose(log-probabilities [R, V], entries [R]) the tokens, both where the log-probabilities are.
///
/// On a device other than the CPU generate() asks such a sampler once, and a graph of a step (sampling::graphs) needs
/// one.
/// Law: choose() of an entry is what the sampler itself gives for that row and step.
template <class Sampler>
concept PlannedSampler = TokenSampler<Sampler> &&
    requires(Sampler const sampler, at::Tensor const& x, std::int64_t count) {
    { sampler.plan(count, count) } -> std::convertible_to<at::Tensor>;
    { sampler.choose(x, x) } -> std::convertible_to<at::Tensor>;
};

/// A planned sampler that draws from logits [R, V] by itself, temperature and filters included, in one kernel: for
/// devices that generated kernels are launched on. Law: as choose() of the log-probabilities, within rounding.
template <class Sampler>
concept KernelSampler = PlannedSampler<Sampler> &&
    requires(Sampler const sampler, libtorch::cuda::launcher const& launch, at::Tensor const& x, sampling const& how) {
    { sampler.sample_rows(launch, x, x, how) } -> std::same_as<libtorch::sampled_rows>;
};

}  // namespace proximal::lm
