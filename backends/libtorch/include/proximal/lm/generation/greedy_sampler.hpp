// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <proximal/lm/generation/sampler.hpp>

namespace proximal::lm {

/// Takes the likeliest token; of several, LibTorch's argmax decides.
struct greedy_sampler {
    at::Tensor operator()(at::Tensor const& logprobs, at::Tensor const& /*rows*/, std::int64_t /*step*/) const {
        return logprobs.argmax(1);
    }
    at::Tensor plan(std::int64_t rows, std::int64_t steps) const { return at::zeros({rows, steps}, at::kByte); }
    at::Tensor choose(at::Tensor const& logprobs, at::Tensor const& /*nothing*/) const { return logprobs.argmax(1); }
};
static_assert(PlannedSampler<greedy_sampler>);

}  // namespace proximal::lm
