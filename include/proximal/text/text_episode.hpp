// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace proximal::text {

/// A prompt and a response to it as text: what a rule, a program or a judge scores.
struct text_episode {
    std::string prompt, response;  // special tokens left out
    nlohmann::json messages;       // the conversation that the prompt was made of; null where it was no conversation
    nlohmann::json record;  // the line of the data that it comes from, answers and tests included; null where none
};

}  // namespace proximal::text
