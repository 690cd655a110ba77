// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <proximal/lm/generation/generate.hpp>
#include <vector>

namespace proximal::lm {

/// Completes prompts a chunk at a time, so that the cache of keys and values is a chunk's, not the batch's: [B, T] as
/// generate() gives it. `sampler_from(row)` gives the sampler of a chunk that begins at that row of the batch.
/// Source: TRL v0.11.4, batch_generation, in chunks of local_rollout_forward_batch_size.
/// Throws std::invalid_argument where `chunk` is not positive, and as generate() does.
template <class SamplerFrom>
completions generate_in_chunks(causal_lm const& model, std::vector<std::vector<std::int64_t>> const& prompts,
                               sampling const& sampling, SamplerFrom const& sampler_from, std::int64_t chunk,
                               generation_callback const& on_step = {}) {
    if (chunk < 1) throw std::invalid_argument("proximal: generate_in_chunks got a chunk of less than one row");
    auto const B = static_cast<std::int64_t>(prompts.size());
    if (B <= chunk) return generate(model, prompts, sampling, sampler_from(0), on_step);
    std::vector<at::Tensor> tokens, logprobs, lengths;
    for (std::int64_t first = 0; first < B; first += chunk) {
        auto const last = std::min(B, first + chunk);
        auto const drawn =
            generate(model, {prompts.begin() + first, prompts.begin() + last}, sampling, sampler_from(first), on_step);
        tokens.push_back(drawn.tokens), logprobs.push_back(drawn.logprobs), lengths.push_back(drawn.lengths);
    }
    return {at::cat(tokens), at::cat(logprobs), at::cat(lengths)};
}

}  // namespace proximal::lm
