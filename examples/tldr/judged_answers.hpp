// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <proximal/judge/win_rate.hpp>
#include <proximal/lm/reward/model_reward.hpp>
#include <proximal/text/rouge.hpp>
#include <string>
#include <utility>
#include <vector>

#include "stages.hpp"

namespace tldr {

/// Who judges: the rule that labelled the pairs, the reward model that learned its labels and was optimised, and two
/// that know nothing of either.
enum judges : std::size_t { by_gold, by_proxy, by_rouge_l, by_grounded, judge_count };
inline constexpr std::array<char const*, judge_count> judge_names{
    "gold rule", "reward model (optimised)", "ROUGE-L with the reference", "ROUGE-1 precision in the description"};
/// Whether a judge can say how an answer stands against the reference: ROUGE-L compares with it.
inline constexpr bool judges_reference(std::size_t judge) { return judge != by_rouge_l; }

/// Answers to the held-out prompts, with what every judge scores them.
struct judged_answers {
    std::string name;
    std::vector<std::string> texts;
    std::array<std::vector<double>, judge_count> scores;
    double eos_rate = 0.0, mean_length = 0.0;  // tokens

    double mean(std::size_t judge) const {
        double sum = 0.0;
        for (double const score : scores[judge]) sum += score;
        return sum / static_cast<double>(scores[judge].size());
    }
};

/// Scores answers, given as tokens, by all judges.
inline judged_answers judged(std::string name, std::vector<px::quickstart::example> const& examples,
                             std::vector<std::vector<std::int64_t>> const& answers, material const& from,
                             px::lm::sequence_classifier const& proxy) {
    judged_answers all{.name = std::move(name), .texts = {}, .scores = {}};
    std::vector<px::lm::finished_episode> episodes;
    for (std::size_t i = 0; i < answers.size(); ++i) {
        auto const text = from.words.decode(answers[i], true);
        all.texts.push_back(text);
        all.scores[by_gold].push_back(from.gold(text));
        all.scores[by_rouge_l].push_back(px::text::rouge_l(text, examples[i].completion).f1);
        all.scores[by_grounded].push_back(grounded(examples[i].prompt, text));
        episodes.push_back({from.words.encode(examples[i].prompt), answers[i]});
        all.eos_rate += !answers[i].empty() && answers[i].back() == *from.words.eos_token_id();
        all.mean_length += static_cast<double>(answers[i].size());
    }
    all.eos_rate /= static_cast<double>(answers.size());
    all.mean_length /= static_cast<double>(answers.size());
    at::Tensor const scores = px::lm::model_reward(proxy)(episodes).scores.to(at::kDouble).contiguous();
    all.scores[by_proxy].assign(scores.const_data_ptr<double>(), scores.const_data_ptr<double>() + scores.numel());
    return all;
}

/// What a model answers to the prompts at the temperature that it was trained at.
inline std::vector<std::vector<std::int64_t>> answers_of(px::lm::causal_lm const& model,
                                                         std::vector<px::quickstart::example> const& examples,
                                                         material const& from, std::int64_t most_tokens) {
    at::NoGradGuard const no_gradient;
    std::vector<std::vector<std::int64_t>> prompts;
    for (auto const& e : examples) prompts.push_back(from.words.encode(e.prompt));
    return px::lm::responses_of(px::lm::generate_in_chunks(
        model, prompts,
        {.temperature = 0.7,
         .max_new_tokens = most_tokens,
         .stop_token = from.words.eos_token_id(),
         .pad_token = *from.words.pad_token_id()},
        [](std::int64_t row) {
            return px::lm::multinomial_sampler{px::run::stream_seed(7, "judged"), static_cast<std::uint64_t>(row)};
        },
        128));
}

/// Verdicts of one judge on the answers of one model against another's.
inline std::vector<px::judge::outcome> verdicts(judged_answers const& model, judged_answers const& other,
                                                std::size_t judge) {
    std::vector<px::judge::outcome> all;
    for (std::size_t i = 0; i < model.texts.size(); ++i) {
        double const ours = model.scores[judge][i], theirs = other.scores[judge][i];
        all.push_back({.id = std::to_string(i),
                       .result = ours > theirs   ? px::judge::verdict::win
                                 : ours < theirs ? px::judge::verdict::loss
                                                 : px::judge::verdict::tie,
                       .model_length = px::judge::answer_length(model.texts[i]),
                       .reference_length = px::judge::answer_length(other.texts[i])});
    }
    return all;
}

/// A win rate, ties half, with its 95 % bootstrap interval.
struct rate {
    double value = 0.0;
    px::judge::interval interval{};
};
inline rate win_rate_of(judged_answers const& model, judged_answers const& other, std::size_t judge) {
    auto const all = verdicts(model, other, judge);
    return {px::judge::win_rate(px::judge::count(all)).value_or(std::nan("")),
            px::judge::bootstrap_interval(px::judge::points_of(all))};
}

}  // namespace tldr
