// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <proximal/libtorch/linear_logprob.hpp>
#include <proximal/lm/model/causal_lm.hpp>
#include <proximal/lm/model/sequence_classifier.hpp>
#include <proximal/lm/train/response_plan.hpp>
#include <stdexcept>
#include <string>
#include <vector>

namespace proximal::lm {

/// What a language model says of each response token. [B, T] each, 0 where it was not asked.
struct token_prediction {
    at::Tensor logprobs;   // log π(a|s) under logits / temperature
    at::Tensor entropies;  // H[π(·|s)]
};

/// Asks a language model about the wanted cells. Differentiable in its parameters; logits are never kept: those of
/// `logits_rows` tokens are there at a time.
inline token_prediction predict_tokens(causal_lm const& model, episodes const& batch, at::Tensor const& wanted,
                                       std::int64_t pad, double temperature,
                                       std::int64_t logits_rows = libtorch::default_chunk) {
    auto const plan = plan_responses(batch, wanted, pad, model.lm_head.device());
    auto const hidden = model.body->forward(plan.tokens).index_select(0, plan.sources);  // [M, H]
    auto const predicted = libtorch::linear_logprobs(hidden, model.lm_head, plan.targets, temperature, logits_rows);
    return {plan.to_grid(predicted.logprob), plan.to_grid(predicted.entropy)};
}

/// The log-probs alone, without gradient: what is asked of a reference. [B, T], 0 elsewhere.
inline at::Tensor predict_logprobs(causal_lm const& model, episodes const& batch, at::Tensor const& wanted,
                                   std::int64_t pad, double temperature,
                                   std::int64_t logits_rows = libtorch::default_chunk) {
    at::NoGradGuard const no_gradient;
    auto const plan = plan_responses(batch, wanted, pad, model.lm_head.device());
    auto const hidden = model.body->forward(plan.tokens).index_select(0, plan.sources);  // [M, H]
    return plan.to_grid(libtorch::reference_logprobs(hidden, model.lm_head, plan.targets, temperature, logits_rows));
}

/// How many rows of logits fit into --logits_memory_mb: V numbers a row.
inline std::int64_t logits_rows(std::optional<std::int64_t> megabytes, at::Tensor const& lm_head) {
    if (!megabytes) return libtorch::default_chunk;
    auto const row = static_cast<double>(lm_head.size(0)) * static_cast<double>(lm_head.element_size());
    return std::max<std::int64_t>(1, static_cast<std::int64_t>(static_cast<double>(*megabytes) * 1e6 / row));
}

/// Asks a critic for V(s) at the wanted cells. [B, T], 0 elsewhere. Differentiable in its parameters.
inline at::Tensor predict_values(sequence_classifier const& critic, episodes const& batch, at::Tensor const& wanted,
                                 std::int64_t pad) {
    auto const plan = plan_responses(batch, wanted, pad, critic.score.device());
    auto const hidden = critic.body->forward(plan.tokens).index_select(0, plan.sources);  // [M, H]
    return plan.to_grid(critic.values(hidden));
}

/// Runs `predict(rows of the batch)` a chunk of rows at a time, without gradient, and joins the results along rows.
template <class Predict>
at::Tensor in_chunks(episodes const& batch, std::int64_t chunk, Predict const& predict) {
    if (chunk < 1)
        throw std::invalid_argument("proximal: a forward pass takes at least 1 row, not " + std::to_string(chunk));
    at::NoGradGuard const no_gradient;
    std::vector<at::Tensor> parts;
    for (std::int64_t b = 0; b < batch.size(); b += chunk)
        parts.push_back(predict(
            rows(batch, at::arange(b, std::min(b + chunk, batch.size()), batch.mask.options().dtype(at::kLong)))));
    return at::cat(parts);
}

}  // namespace proximal::lm
