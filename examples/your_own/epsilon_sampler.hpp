// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <proximal/lm/generation/sampler.hpp>

namespace mine {

/// A sampler: the likeliest token, and one of all with probability ε. lm::generate(model, prompts, sampling,
/// mine::epsilon_sampler{...}) draws with it.
struct epsilon_sampler {
    double epsilon = 0.1;
    std::uint64_t seed = 0;

    /// Gives a token to each running row, [R] int64 of log-probabilities [R, V]; `rows` are their numbers in the batch.
    at::Tensor operator()(at::Tensor const& logprobs, at::Tensor const& rows, std::int64_t step) const {
        auto generator = at::detail::createCPUGenerator(seed + static_cast<std::uint64_t>(step));
        at::Tensor const draws = at::rand({rows.max().item<std::int64_t>() + 1, 2}, generator).index_select(0, rows);
        at::Tensor const any = (draws.select(1, 1) * static_cast<double>(logprobs.size(1))).to(at::kLong);
        return at::where(draws.select(1, 0).lt(epsilon), any, logprobs.cpu().argmax(1)).to(logprobs.device());
    }
};
static_assert(proximal::lm::TokenSampler<epsilon_sampler>);

}  // namespace mine
