// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>

#include <algorithm>
#include <cstdint>
#include <limits>

namespace proximal::lm {

/// Leaves the k most likely tokens of each row; the others' logits become −∞. Ties with the k-th stay, as in Hugging
/// Face. logits [R, V]; k = 0 or k ≥ V: unchanged.
inline at::Tensor keep_top_k(at::Tensor const& logits, std::int64_t k) {
    if (k == 0 || k >= logits.size(1)) return logits;
    auto const kth = std::get<0>(logits.topk(k, 1)).narrow(1, k - 1, 1);  // [R, 1]
    return logits.masked_fill(logits.lt(kth), -std::numeric_limits<double>::infinity());
}

/// Leaves the smallest set of most likely tokens whose probability reaches p; at least one token stays.
///
/// Source: Holtzman et al., The Curious Case of Neural Text Degeneration (2020), arXiv 1904.09751; Hugging Face's rule:
/// a token goes where the tokens from the least likely up to it hold at most 1 − p.
/// logits [R, V]; p = 1: unchanged.
inline at::Tensor keep_top_p(at::Tensor const& logits, double p) {
    if (p >= 1.0) return logits;
    auto const [ascending, order] = logits.sort(/*stable=*/true, 1, /*descending=*/false);
    at::Tensor gone = ascending.softmax(1).cumsum(1).le(1.0 - p);
    gone.narrow(1, gone.size(1) - 1, 1).fill_(false);
    return logits.masked_fill(at::zeros_like(gone).scatter(1, order, gone), -std::numeric_limits<double>::infinity());
}

}  // namespace proximal::lm
