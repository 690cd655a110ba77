// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <proximal/libtorch/linear_logprob.hpp>
#include <proximal/lm/model/causal_lm.hpp>
#include <proximal/lm/model/sequence_classifier.hpp>
#include <proximal/lm/train/response_plan.hpp>
#include <vector>

namespace proximal::lm {

/// What a language model says of each response token. [B, T] each, 0 where it was not asked.
struct token_judgement {
    at::Tensor logprobs;   // log π(a|s) under logits / temperature
    at::Tensor entropies;  // H[π(·|s)]
};

/// Asks a language model about the wanted cells. Differentiable in its parameters; logits are never kept.
inline token_judgement judge_tokens(causal_lm const& model, episodes const& batch, at::Tensor const& wanted,
                                    std::int64_t pad, double temperature) {
    auto const plan = plan_responses(batch, wanted, pad);
    auto const hidden = model.body->forward(plan.tokens).index_select(0, plan.sources);  // [M, H]
    auto const said = libtorch::linear_logprobs(hidden, model.lm_head, plan.targets, temperature);
    return {plan.to_grid(said.logprob), plan.to_grid(said.entropy)};
}

/// The log-probs alone, without gradient: what is asked of a reference. [B, T], 0 elsewhere.
inline at::Tensor judge_logprobs(causal_lm const& model, episodes const& batch, at::Tensor const& wanted,
                                 std::int64_t pad, double temperature) {
    at::NoGradGuard const no_gradient;
    auto const plan = plan_responses(batch, wanted, pad);
    auto const hidden = model.body->forward(plan.tokens).index_select(0, plan.sources);  // [M, H]
    return plan.to_grid(libtorch::reference_logprobs(hidden, model.lm_head, plan.targets, temperature));
}

/// Asks a critic for V(s) at the wanted cells. [B, T], 0 elsewhere. Differentiable in its parameters.
inline at::Tensor judge_values(sequence_classifier const& critic, episodes const& batch, at::Tensor const& wanted,
                               std::int64_t pad) {
    auto const plan = plan_responses(batch, wanted, pad);
    auto const hidden = critic.body->forward(plan.tokens).index_select(0, plan.sources);  // [M, H]
    return plan.to_grid(critic.values(hidden));
}

/// Runs `judge(rows of the batch)` a chunk of rows at a time, without gradient, and joins the results along rows.
template <class Judge>
at::Tensor in_chunks(episodes const& batch, std::int64_t chunk, Judge const& judge) {
    at::NoGradGuard const no_gradient;
    std::vector<at::Tensor> parts;
    for (std::int64_t b = 0; b < batch.size(); b += chunk)
        parts.push_back(judge(
            rows(batch, at::arange(b, std::min(b + chunk, batch.size()), batch.mask.options().dtype(at::kLong)))));
    return at::cat(parts);
}

}  // namespace proximal::lm
