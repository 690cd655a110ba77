// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <proximal/lm/generation/generate.hpp>
#include <proximal/lm/reward/reward.hpp>
#include <proximal/lm/train/score.hpp>
#include <proximal/run/completions_table.hpp>
#include <proximal/text/tokenizer.hpp>
#include <string>
#include <utility>
#include <vector>

namespace proximal::lm {

/// A prompt, what a policy answered, and the score of it.
struct sample {
    std::string query;     // special tokens left out
    std::string response;  // special tokens kept
    double score;          // before any penalty
};

/// What a policy answers to prompts, with scores.
template <TokenSampler Sampler>
std::vector<sample> answer(causal_lm const& policy, text::tokenizer const& words, reward_function const& reward,
                           std::vector<std::vector<std::int64_t>> const& prompts, sampling const& how,
                           Sampler&& sampler, token_roles const& roles) {
    auto const drawn = generate(policy, prompts, how, std::forward<Sampler>(sampler));
    auto const done = finished(assemble(left_padded(prompts, roles.pad), drawn, roles), roles.pad);
    at::Tensor const scores = reward(done).to(at::kDouble).cpu();
    std::vector<sample> samples;
    for (std::size_t i = 0; i < done.size(); ++i)
        samples.push_back({words.decode(done[i].query, true), words.decode(done[i].response),
                           scores[static_cast<std::int64_t>(i)].item<double>()});
    return samples;
}

/// Samples under TRL's headings.
inline run::completions_table to_table(std::vector<sample> const& samples) {
    run::completions_table table{{"query", "model response", "score"}, {}};
    for (auto const& s : samples) table.rows.push_back({s.query, s.response, fmt::format("{:.3f}", s.score)});
    return table;
}

}  // namespace proximal::lm
