// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <proximal/lm/generation/sampler.hpp>

namespace proximal::lm {

/// Replays given tokens [B, T] int64: what a recorded run sampled, with this model's log-probabilities for it.
struct scripted_sampler {
    at::Tensor tokens;

    at::Tensor operator()(at::Tensor const& logprobs, at::Tensor const& rows, std::int64_t step) const {
        return tokens.select(1, step).index_select(0, rows.to(tokens.device())).to(logprobs.device());
    }
    at::Tensor plan(std::int64_t rows, std::int64_t steps) const {
        return tokens.narrow(0, 0, rows).narrow(1, 0, steps).cpu().contiguous();
    }
    at::Tensor choose(at::Tensor const& /*logprobs*/, at::Tensor const& planned) const { return planned; }
};
static_assert(PlannedSampler<scripted_sampler>);

}  // namespace proximal::lm
