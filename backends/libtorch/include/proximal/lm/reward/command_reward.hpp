// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <memory>
#include <proximal/lm/reward/text_reward.hpp>
#include <proximal/run/command_scorer.hpp>
#include <string>
#include <vector>

namespace proximal::lm {

/// A reward computed by a program in any language: it reads an episode a line, {"prompt": "...", "response": "..."} and
/// what the data say of it (score_request), and answers each by a line, a number or {"score": number} (parse_score).
///
/// The program runs as long as the function or a copy of it lives; copies share it. `timeout` is for a whole batch.
/// Throws as command_scorer does, here and when called; a call after one that threw starts the program anew.
inline reward_function command_reward(std::string const& command,
                                      std::chrono::duration<double> timeout = std::chrono::minutes(10)) {
    auto const scorer = std::make_shared<run::command_scorer>(command, timeout);
    return text_reward(
        run::text_scorer([scorer](std::vector<text::text_episode> const& episodes) { return (*scorer)(episodes); }));
}

}  // namespace proximal::lm
