// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <string_view>

namespace proximal::run {

/// The line that asks for a score: {"prompt":"...","response":"..."}.
///
/// ASCII alone, all else escaped, so that the reader's locale and its idea of a line break do not matter. Bytes that
/// are no UTF-8, such as half of a character that a response was cut in, become U+FFFD.
inline std::string score_request(std::string const& prompt, std::string const& response) {
    nlohmann::ordered_json const episode{{"prompt", prompt}, {"response", response}};
    return episode.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
}

/// The score that a line answers: a finite number, or an object whose "score" is one; its other fields are the
/// answerer's own. Throws std::invalid_argument saying what stands there instead.
inline double parse_score(std::string_view line) {
    auto const refuse = [&](std::string_view why) {
        constexpr std::size_t shown = 60;
        nlohmann::json const quoted(std::string(line.substr(0, shown)) + (line.size() > shown ? "..." : ""));
        throw std::invalid_argument(
            fmt::format("{}, which is {}", quoted.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace), why));
    };
    auto const answer = nlohmann::json::parse(line, nullptr, false);  // NaN and Infinity are no JSON either
    if (answer.is_discarded()) refuse("no JSON");
    if (answer.is_object() && !answer.contains("score")) refuse("an object without \"score\"");
    auto const& score = answer.is_object() ? answer["score"] : answer;
    if (!score.is_number()) refuse(fmt::format("a score of the type {}", score.type_name()));
    return score.get<double>();
}

}  // namespace proximal::run
