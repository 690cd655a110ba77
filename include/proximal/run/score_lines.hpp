// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <proximal/run/text_scorer.hpp>
#include <stdexcept>
#include <string>
#include <string_view>

namespace proximal::run {

/// The line that asks for a score: {"prompt":"...","response":"..."}, with "messages" and "record" where the data have
/// them.
///
/// ASCII alone, all else escaped, so that the reader's locale and its idea of a line break do not matter. Bytes that
/// are no UTF-8, such as half of a character that a response was cut in, become U+FFFD.
inline std::string score_request(text::text_episode const& episode) {
    nlohmann::json request{{"prompt", episode.prompt}, {"response", episode.response}};
    if (!episode.messages.is_null()) request["messages"] = episode.messages;
    if (!episode.record.is_null()) request["record"] = episode.record;
    return request.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
}

/// The score that a line answers: a finite number, or an object whose "score" is one, or null for no score, and whose
/// "parts", if any, are numbers by name; its other fields are the answerer's own. Throws std::invalid_argument saying
/// what stands there instead.
inline text_score parse_score(std::string_view line) {
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
    text_score result;
    if (answer.is_object() && score.is_null()) return result;
    if (!score.is_number()) refuse(fmt::format("a score of the type {}", score.type_name()));
    result.score = score.get<double>();
    if (answer.is_object() && answer.contains("parts")) {
        if (!answer["parts"].is_object()) refuse("an object whose \"parts\" are no object of numbers");
        for (auto const& [name, part] : answer["parts"].items()) {
            if (!part.is_number()) refuse("an object whose \"parts\" are no object of numbers");
            result.parts[name] = part.get<double>();
        }
    }
    return result;
}

}  // namespace proximal::run
