// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>

#include <chrono>
#include <memory>
#include <proximal/lm/reward/reward.hpp>
#include <proximal/run/command_scorer.hpp>
#include <proximal/text/tokenizer.hpp>
#include <string>
#include <utility>
#include <vector>

namespace proximal::lm {

/// A reward computed by a program in any language: it reads {"prompt": "...", "response": "..."} a line, special tokens
/// left out, and answers each by a line, a number or {"score": number}.
///
/// The program runs as long as the function or a copy of it lives; copies share it. `timeout` is for a whole batch.
/// Throws as command_scorer does, here and when called; a call after one that threw starts the program anew.
inline reward_function command_reward(text::tokenizer words, std::string const& command,
                                      std::chrono::duration<double> timeout = std::chrono::minutes(10)) {
    auto const scorer = std::make_shared<run::command_scorer>(command, timeout);
    return [words = std::move(words), scorer](std::vector<finished_episode> const& episodes) {
        std::vector<std::string> requests;
        for (auto const& episode : episodes)
            requests.push_back(
                run::score_request(words.decode(episode.query, true), words.decode(episode.response, true)));
        return at::tensor((*scorer)(requests), at::kDouble);
    };
}

}  // namespace proximal::lm
