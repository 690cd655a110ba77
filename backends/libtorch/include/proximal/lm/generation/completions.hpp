// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <optional>

namespace proximal::lm {

/// What a model wrote: T new tokens per row, and how likely each was when it was drawn.
struct completions {
    at::Tensor tokens;    // [B, T] int64; the pad token after a row's end
    at::Tensor logprobs;  // [B, T] of the drawn tokens, after temperature and filters; 0 after a row's end
    at::Tensor lengths;   // [B] int64: tokens drawn, the stop token included
};

/// Cuts rows after their first stop token, whatever was drawn behind it.
inline completions end_at_stop(at::Tensor const& tokens, at::Tensor const& logprobs,
                               std::optional<std::int64_t> stop_token, std::int64_t pad_token) {
    if (!stop_token) return {tokens, logprobs, at::full({tokens.size(0)}, tokens.size(1), tokens.options())};
    at::Tensor const stop = tokens.eq(*stop_token), after = (stop.cumsum(1) - stop.to(at::kLong)).gt(0);  // [B, T]
    return {tokens.masked_fill(after, pad_token), logprobs.masked_fill(after, 0.0), after.logical_not().sum(1)};
}

}  // namespace proximal::lm
