// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <optional>
#include <proximal/libtorch/upload.hpp>
#include <vector>

namespace proximal::lm {

/// What a model wrote: T new tokens per row, and how likely each was when it was drawn. Tokens and lengths are on the
/// host, where episodes are made of them; log-probs are on the model's device.
struct completions {
    at::Tensor tokens;    // [B, T] int64; the pad token after a row's end
    at::Tensor logprobs;  // [B, T] of the drawn tokens, after temperature and filters; 0 after a row's end
    at::Tensor lengths;   // [B] int64: tokens drawn, the stop token included
};

/// Cuts rows after their first stop token, whatever was drawn behind it. Waits for the device, once.
inline completions end_at_stop(at::Tensor const& drawn, at::Tensor const& logprobs,
                               std::optional<std::int64_t> stop_token, std::int64_t pad_token) {
    at::Tensor const tokens = drawn.cpu();
    if (!stop_token) return {tokens, logprobs, at::full({tokens.size(0)}, tokens.size(1), tokens.options())};
    at::Tensor const stop = tokens.eq(*stop_token), after = (stop.cumsum(1) - stop.to(at::kLong)).gt(0);  // [B, T]
    return {tokens.masked_fill(after, pad_token), logprobs.masked_fill(libtorch::upload(after, logprobs.device()), 0.0),
            after.logical_not().sum(1)};
}

/// The tokens of each row up to its end, the stop token included.
inline std::vector<std::vector<std::int64_t>> responses_of(completions const& written) {
    auto const tokens = written.tokens.contiguous(), lengths = written.lengths.contiguous();
    std::vector<std::vector<std::int64_t>> rows;
    for (std::int64_t row = 0; row < tokens.size(0); ++row) {
        auto const* const first = tokens.const_data_ptr<std::int64_t>() + row * tokens.size(1);
        rows.emplace_back(first, first + lengths.const_data_ptr<std::int64_t>()[row]);
    }
    return rows;
}

}  // namespace proximal::lm
