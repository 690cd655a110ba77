// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <proximal/libtorch/linear_logprob.hpp>
#include <proximal/lm/model/causal_lm.hpp>
#include <proximal/lm/model/token_batch.hpp>
#include <vector>

namespace proximal::lm {

/// A prompt and the answer to be learned, as tokens; the answer ends with EOS.
struct demonstration {
    std::vector<std::int64_t> prompt, completion;
};

/// What the loss of a demonstration weighs: 1 for each token of the completion and `prompt_weight` for each of the
/// prompt but the row's first, which nothing predicts.
inline double demonstration_weight(demonstration const& row, double prompt_weight) {
    double const prompt = static_cast<double>(row.prompt.size()), answer = static_cast<double>(row.completion.size());
    return row.prompt.empty() ? answer - 1.0 : answer + prompt_weight * (prompt - 1.0);
}

/// Weighted negative log-likelihood of demonstrations.
struct weighted_loss {
    at::Tensor total;       // [] Σ w · (−log π), differentiable
    double weight;          // Σ w
    at::Tensor completion;  // [] Σ −log π over completions alone, without gradient
};

/// The loss of demonstrations under a model; packed, so that no work goes to padding.
inline weighted_loss demonstration_loss(causal_lm const& model, std::vector<demonstration> const& batch,
                                        double prompt_weight) {
    std::vector<std::vector<std::int64_t>> rows;
    std::vector<std::int64_t> sources, targets;
    std::vector<double> weights, answers;
    std::int64_t at = 0;
    for (auto const& [prompt, completion] : batch) {
        auto& row = rows.emplace_back(prompt);
        row.insert(row.end(), completion.begin(), completion.end());
        for (std::size_t i = 1; i < row.size(); ++i) {  // each token but the first is predicted by the one before it
            bool const answer = i >= prompt.size();
            if (!answer && prompt_weight == 0.0) continue;
            sources.push_back(at + static_cast<std::int64_t>(i) - 1);
            targets.push_back(row[i]);
            weights.push_back(answer ? 1.0 : prompt_weight);
            answers.push_back(answer ? 1.0 : 0.0);
        }
        row.pop_back();  // predicts nothing
        at += static_cast<std::int64_t>(row.size());
    }
    auto const device = model.lm_head.device();
    auto const hidden =
        model.body->forward(pack_tokens(rows, device)).index_select(0, at::tensor(sources, at::kLong).to(device));
    auto const predicted =
        libtorch::linear_logprobs(hidden, model.lm_head, at::tensor(targets, at::kLong).to(device), 1.0);
    auto const options = predicted.logprob.options().requires_grad(false);
    auto const weight = at::tensor(weights, at::kDouble).to(options);
    return {-(predicted.logprob * weight).sum(), weight.sum().item<double>(),
            -(predicted.logprob.detach() * at::tensor(answers, at::kDouble).to(options)).sum()};
}

}  // namespace proximal::lm
