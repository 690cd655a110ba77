// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>

#include <concepts>
#include <cstdint>
#include <map>
#include <optional>
#include <proximal/lm/reward/reward_function.hpp>
#include <proximal/run/text_scorer.hpp>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace proximal::lm {

/// A reward computed from text by `scorer(episodes)`: a program, a judge, a rule over many. In double, on the CPU.
///
/// A part that an episode does not have counts as 0 in it. Throws std::runtime_error where the verdicts are not as many
/// as the episodes.
inline reward_function text_reward(run::text_scorer scorer) {
    return [scorer = std::move(scorer)](std::vector<finished_episode> const& episodes) -> reward_scores {
        std::vector<text::text_episode> texts;
        for (auto const& episode : episodes) texts.push_back(episode.text);
        auto const verdicts = scorer(texts);
        if (verdicts.size() != episodes.size())
            throw std::runtime_error("the text scorer gave " + std::to_string(verdicts.size()) + " verdicts for " +
                                     std::to_string(episodes.size()) +
                                     " episodes: it must give one each, in their order");
        auto const count = static_cast<std::int64_t>(episodes.size());
        at::Tensor const scores = at::zeros({count}, at::kDouble), scored = at::ones({count}, at::kBool);
        std::map<std::string, at::Tensor> parts;
        bool all = true;
        for (std::int64_t i = 0; i < count; ++i) {
            auto const& verdict = verdicts[static_cast<std::size_t>(i)];
            all = all && verdict.score.has_value();
            scores.mutable_data_ptr<double>()[i] = verdict.score.value_or(0.0);
            scored.mutable_data_ptr<bool>()[i] = verdict.score.has_value();
            for (auto const& [name, value] : verdict.parts) {
                auto& part = parts[name];
                if (!part.defined()) part = at::zeros({count}, at::kDouble);
                part.mutable_data_ptr<double>()[i] = value;
            }
        }
        return {scores, {parts.begin(), parts.end()}, all ? at::Tensor() : scored};
    };
}

/// A reward computed from text by `score(episode)`, one at a time: a number, an optional number, or a run::text_score.
template <class Score>
    requires std::invocable<Score const&, text::text_episode const&> reward_function text_reward(Score score) {
        return text_reward(
            run::text_scorer([score = std::move(score)](std::vector<text::text_episode> const& episodes) {
                std::vector<run::text_score> verdicts;
                for (auto const& episode : episodes) {
                    if constexpr (std::convertible_to<decltype(score(episode)), run::text_score>)
                        verdicts.push_back(score(episode));
                    else verdicts.push_back({score(episode)});
                }
                return verdicts;
            }));
    }

/// The same for a function of a prompt and a response.
template <class Score>
    requires std::invocable<Score const&, std::string const&, std::string const&> reward_function
    text_reward(Score score) {
        return text_reward([score = std::move(score)](text::text_episode const& episode) {
            return score(episode.prompt, episode.response);
        });
    }

}  // namespace proximal::lm
