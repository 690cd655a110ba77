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
};
static_assert(TokenSampler<greedy_sampler>);

}  // namespace proximal::lm
