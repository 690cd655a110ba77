// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <optional>
#include <proximal/lm/generation/completions.hpp>
#include <stdexcept>
#include <vector>

namespace proximal::lm {

/// The tokens that a trainer must know by number.
struct token_roles {
    std::int64_t pad;                  // never a real token: what marks the end of a row
    std::optional<std::int64_t> eos;   // what missing_eos_penalty looks for
    std::optional<std::int64_t> stop;  // what truncates a response; none: responses are never truncated
};

/// Prompts and the responses sampled for them, as grids. B rows, C the longest prompt, T response steps. They are on
/// the host, which so knows all lengths, whatever device the models are on.
struct episodes {
    at::Tensor query_responses;       // [B, C + T] int64, prompts padded on the left, responses as sampled
    std::int64_t context_length = 0;  // C
    at::Tensor query_mask;            // [B, C] bool: where a prompt's tokens stand, which may hold the pad's number
    at::Tensor postprocessed;         // [B, T] int64: the response up to its stop token, pad from there on
    at::Tensor sampled;               // [B, T] bool: steps that were sampled at all
    at::Tensor mask;                  // [B, T] bool: t ≤ L, the response tokens
    at::Tensor value_mask;            // [B, T] bool: t ≤ L + 1
    at::Tensor has_eos;               // [B] bool: an EOS stands in `postprocessed`

    /// B, the episodes.
    std::int64_t size() const { return query_responses.size(0); }
    /// T, the steps of the longest response allowed.
    std::int64_t response_length() const { return query_responses.size(1) - context_length; }
    at::Tensor responses() const { return query_responses.slice(1, context_length); }  // [B, T]
};

/// Prompts of one batch as a grid, padded on the left.
struct prompt_grid {
    at::Tensor ids;   // [B, C] int64
    at::Tensor real;  // [B, C] bool: no padding. A pad among a prompt's own tokens is one of them
};

/// Prompts as a grid. Throws std::invalid_argument where a prompt holds no token.
inline prompt_grid left_padded(std::vector<std::vector<std::int64_t>> const& prompts, std::int64_t pad) {
    std::size_t longest = 0;
    for (auto const& prompt : prompts) {
        if (prompt.empty())
            throw std::invalid_argument("proximal: a prompt holds no token; every prompt needs one at least");
        longest = std::max(longest, prompt.size());
    }
    at::Tensor grid =
        at::full({static_cast<std::int64_t>(prompts.size()), static_cast<std::int64_t>(longest)}, pad, at::kLong);
    at::Tensor const real = at::zeros_like(grid, at::kBool);
    auto* row = grid.mutable_data_ptr<std::int64_t>();
    auto* is_real = real.mutable_data_ptr<bool>();
    for (auto const& prompt : prompts) {
        row += longest, is_real += longest;
        std::copy(prompt.begin(), prompt.end(), row - prompt.size());
        std::fill(is_real - prompt.size(), is_real, true);
    }
    return {grid, real};
}

/// [B] int64: where a row is true for the first time; the row's length where it never is.
inline at::Tensor first_true(at::Tensor const& condition) {
    auto const steps = at::arange(condition.size(1), condition.options().dtype(at::kLong));
    return at::where(condition, steps, condition.size(1)).amin(1);
}

/// Puts prompts and samples together, and finds where each response ends.
///
/// A response is cut after its first stop token. L, the index of its last token, is the step before the first pad of
/// what remains: a pad that was sampled ends a response too, and a response whose first token is pad is empty (L = −1).
/// Source: TRL v0.11.4, PPOv2Trainer.train, truncate_response, first_true_indices.
inline episodes assemble(prompt_grid const& queries, completions const& samples, token_roles const& roles) {
    auto const& responses = samples.tokens;  // [B, T]
    auto const steps = at::arange(responses.size(1), responses.options()).unsqueeze(0);
    episodes result;
    result.query_responses = at::cat({queries.ids, responses}, 1);
    result.context_length = queries.ids.size(1);
    result.query_mask = queries.real;
    result.sampled = steps < samples.lengths.unsqueeze(1);
    result.postprocessed = responses;
    if (roles.stop)
        result.postprocessed =
            responses.masked_fill(steps > first_true(responses == *roles.stop).unsqueeze(1), roles.pad);
    auto const last = (first_true(result.postprocessed == roles.pad) - 1).unsqueeze(1);  // [B, 1] L
    result.mask = steps <= last;
    result.value_mask = steps <= last + 1;
    result.has_eos =
        roles.eos ? (result.postprocessed == *roles.eos).any(1) : at::zeros_like(samples.lengths, at::kBool);
    return result;
}

/// The episodes of some rows, [R] int64.
inline episodes rows(episodes const& all, at::Tensor const& index) {
    auto const pick = [&](at::Tensor const& x) { return x.index_select(0, index); };
    return {.query_responses = pick(all.query_responses),
            .context_length = all.context_length,
            .query_mask = pick(all.query_mask),
            .postprocessed = pick(all.postprocessed),
            .sampled = pick(all.sampled),
            .mask = pick(all.mask),
            .value_mask = pick(all.value_mask),
            .has_eos = pick(all.has_eos)};
}

}  // namespace proximal::lm
