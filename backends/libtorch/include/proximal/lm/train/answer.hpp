// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <cmath>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <proximal/lm/distributed/communicator.hpp>
#include <proximal/lm/distributed/gather_text.hpp>
#include <proximal/lm/generation/generate.hpp>
#include <proximal/lm/reward/reward_function.hpp>
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

/// Answers to prompts with their scores; NaN where the reward gave none. `records` are the data's lines of the prompts,
/// or none.
inline std::vector<sample> score_answers(completions const& drawn, text::tokenizer const& tokenizer,
                                         reward_function const& reward,
                                         std::vector<std::vector<std::int64_t>> const& prompts,
                                         std::vector<nlohmann::json> const& records, token_roles const& roles) {
    std::vector<finished_episode> done = finished(assemble(left_padded(prompts, roles.pad), drawn, roles));
    with_text(done, tokenizer, records);
    reward_scores const rewards = reward(done);
    at::Tensor const scores = rewards.scores.to(at::kCPU, at::kDouble);
    at::Tensor const known = rewards.scored.defined() ? rewards.scored.cpu() : at::Tensor();
    std::vector<sample> samples;
    for (std::size_t i = 0; i < done.size(); ++i) {
        auto const row = static_cast<std::int64_t>(i);
        bool const scored = !known.defined() || known[row].item<bool>();
        at::Tensor const score = scores[row];
        samples.push_back({done[i].text.prompt, tokenizer.decode(done[i].response),
                           scored ? score.sum().item<double>() : std::nan("")});
    }
    return samples;
}

/// The samples of all processes, in their order.
inline std::vector<sample> gather_samples(std::vector<sample> const& own, communicator& world) {
    nlohmann::json rows = nlohmann::json::array();  // JSON has no NaN: a score is text
    for (auto const& s : own) rows.push_back({s.query, s.response, fmt::format("{}", s.score)});
    std::vector<sample> all;
    for (auto const& text : gather_text(rows.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace), world))
        for (auto const& row : nlohmann::json::parse(text))
            all.push_back({row[0].get<std::string>(), row[1].get<std::string>(), std::stod(row[2].get<std::string>())});
    return all;
}

/// Samples under TRL's headings.
inline run::completions_table to_table(std::vector<sample> const& samples) {
    run::completions_table table{{"query", "model response", "score"}, {}};
    for (auto const& s : samples) table.rows.push_back({s.query, s.response, fmt::format("{:.3f}", s.score)});
    return table;
}

}  // namespace proximal::lm
