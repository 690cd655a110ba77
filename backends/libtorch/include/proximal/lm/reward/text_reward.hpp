// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>

#include <functional>
#include <proximal/lm/reward/reward.hpp>
#include <proximal/text/tokenizer.hpp>
#include <string>
#include <utility>
#include <vector>

namespace proximal::lm {

/// A reward computed from text by `judge(prompt, response)`, special tokens left out.
inline reward_function text_reward(text::tokenizer words,
                                   std::function<double(std::string const&, std::string const&)> judge) {
    return [words = std::move(words), judge = std::move(judge)](std::vector<finished_episode> const& episodes) {
        std::vector<double> scores;
        for (auto const& episode : episodes)
            scores.push_back(judge(words.decode(episode.query, true), words.decode(episode.response, true)));
        return at::tensor(scores, at::kDouble);
    };
}

}  // namespace proximal::lm
