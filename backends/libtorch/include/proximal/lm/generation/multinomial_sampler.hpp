// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>
#include <ATen/Dispatch.h>
#include <ATen/core/PhiloxRNGEngine.h>

#include <cstdint>
#include <proximal/libtorch/sample_rows.hpp>
#include <proximal/libtorch/upload.hpp>
#include <proximal/lm/generation/sampler.hpp>
#include <proximal/lm/generation/sampling.hpp>

namespace proximal::lm {

/// Draws each token with its probability, by inverting the distribution function at one uniform number.
///
/// The number is a counter's, not a stream's: Philox 4x32 (Salmon et al., 2011) of (seed, episode, step), where row b
/// is episode first_episode + b. So an episode's draws do not depend on the batch it is in, on rows that left, on the
/// number of processes or on an interruption: to resume, the count of episodes is all there is to save.
struct multinomial_sampler {
    std::uint64_t seed = 0;
    std::uint64_t first_episode = 0;

    /// In [0, 1), 53 bits.
    double uniform(std::int64_t row, std::int64_t step) const {
        at::philox_engine engine(seed, first_episode + static_cast<std::uint64_t>(row),
                                 static_cast<std::uint64_t>(step));
        std::uint64_t const high = engine(), low = engine();
        return static_cast<double>((high << 32 | low) >> 11) * 0x1p-53;
    }

    at::Tensor operator()(at::Tensor const& logprobs, at::Tensor const& rows, std::int64_t step) const {
        at::Tensor const numbers = at::empty(rows.sizes(), at::kDouble);
        auto const* const row = rows.const_data_ptr<std::int64_t>();
        auto* const u = numbers.mutable_data_ptr<double>();
        for (std::int64_t i = 0; i < rows.size(0); ++i) u[i] = uniform(row[i], step);
        return choose(logprobs, libtorch::upload(numbers, logprobs.device()));
    }
    /// The uniform numbers of `rows` rows and `steps` steps, float64.
    at::Tensor plan(std::int64_t rows, std::int64_t steps) const {
        at::Tensor const numbers = at::empty({rows, steps}, at::kDouble);
        auto* u = numbers.mutable_data_ptr<double>();
        for (std::int64_t row = 0; row < rows; ++row)
            for (std::int64_t step = 0; step < steps; ++step) *u++ = uniform(row, step);
        return numbers;
    }
    at::Tensor choose(at::Tensor const& logprobs, at::Tensor const& numbers) const {
        at::Tensor const probabilities = logprobs.exp();
        if (logprobs.is_cpu()) return walk(probabilities, numbers.const_data_ptr<double>());
        at::Tensor const cumulative = probabilities.cumsum(1, at::kDouble);
        at::Tensor const target = numbers.unsqueeze(1) * cumulative.narrow(1, -1, 1);  // [R, 1]
        return cumulative.le(target).sum(1).clamp_max(logprobs.size(1) - 1);
    }
    /// The same from logits, filters included, in one kernel.
    libtorch::sampled_rows sample_rows(libtorch::cuda::launcher const& launch, at::Tensor const& logits,
                                       at::Tensor const& numbers, sampling const& how) const {
        return libtorch::sample_rows(launch, logits, numbers, how.temperature, how.top_k, how.top_p);
    }

   private:
    static at::Tensor walk(at::Tensor const& probabilities, double const* u) {
        at::Tensor const tokens = at::empty({probabilities.size(0)}, at::kLong),
                         total = probabilities.sum(1, false, at::kDouble);
        auto* const token = tokens.mutable_data_ptr<std::int64_t>();
        auto const* const sum = total.const_data_ptr<double>();
        std::int64_t const vocabulary = probabilities.size(1);
        AT_DISPATCH_FLOATING_TYPES_AND2(
            at::kBFloat16, at::kHalf, probabilities.scalar_type(), "proximal::multinomial_sampler", [&] {
                for (std::int64_t i = 0; i < probabilities.size(0); ++i) {
                    auto const* const p = probabilities.const_data_ptr<scalar_t>() + i * vocabulary;
                    double rest = u[i] * sum[i];
                    token[i] = 0;
                    for (std::int64_t v = 0; v < vocabulary; ++v) {
                        if (!(static_cast<double>(p[v]) > 0.0)) continue;
                        token[i] =
                            v;  // rounding may leave a rest after the last one: then it is the last possible token
                        if ((rest -= static_cast<double>(p[v])) < 0.0) break;
                    }
                }
            });
        return tokens;
    }
};
static_assert(KernelSampler<multinomial_sampler>);

}  // namespace proximal::lm
