// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
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

/// Asks a language model about the wanted cells. Differentiable in its parameters; logits are never kept.
inline token_prediction predict_tokens(causal_lm const& model, episodes const& batch, at::Tensor const& wanted,
                                       std::int64_t pad, double temperature) {
    auto const plan = plan_responses(batch, wanted, pad);
    auto const hidden = model.body->forward(plan.tokens).index_select(0, plan.sources);  // [M, H]
    auto const predicted = libtorch::linear_logprobs(hidden, model.lm_head, plan.targets, temperature);
    return {plan.to_grid(predicted.logprob), plan.to_grid(predicted.entropy)};
}

/// The log-probs alone, without gradient: what is asked of a reference. [B, T], 0 elsewhere.
inline at::Tensor predict_logprobs(causal_lm const& model, episodes const& batch, at::Tensor const& wanted,
                                   std::int64_t pad, double temperature) {
    at::NoGradGuard const no_gradient;
    auto const plan = plan_responses(batch, wanted, pad);
    auto const hidden = model.body->forward(plan.tokens).index_select(0, plan.sources);  // [M, H]
    return plan.to_grid(libtorch::reference_logprobs(hidden, model.lm_head, plan.targets, temperature));
}

/// Asks a critic for V(s) at the wanted cells. [B, T], 0 elsewhere. Differentiable in its parameters.
inline at::Tensor predict_values(sequence_classifier const& critic, episodes const& batch, at::Tensor const& wanted,
                                 std::int64_t pad) {
    auto const plan = plan_responses(batch, wanted, pad);
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
