// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <proximal/io/atomic_file.hpp>
#include <proximal/judge/comparison.hpp>
#include <proximal/run/line_log.hpp>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace proximal::judge {

/// An outcome as a line of JSON, without the texts.
inline std::string outcome_line(outcome const& one) {
    nlohmann::ordered_json line = {{"id", one.id}, {"verdict", verdict_word(one.result)}};
    if (!one.why.empty()) line["why"] = one.why;
    line["model_first"] = one.model_first;
    if (one.both_orders) line["inconsistent"] = one.inconsistent;
    line["model_length"] = one.model_length;
    line["reference_length"] = one.reference_length;
    line["prompt_tokens"] = one.usage.prompt_tokens;
    line["completion_tokens"] = one.usage.completion_tokens;
    return line.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
}

/// Writes outcomes, a line each, whole or not at all.
inline void write_outcomes(std::filesystem::path const& path, std::span<outcome const> outcomes) {
    std::string text;
    for (auto const& one : outcomes) text += outcome_line(one) + '\n';
    io::write_file(path, text);
}

/// Outcomes from a file of such lines: compare() takes those of two models.
/// Throws std::runtime_error, naming the file and the line, where it is none.
inline std::vector<outcome> read_outcomes(std::filesystem::path const& path) {
    if (!std::filesystem::is_regular_file(path))
        throw std::runtime_error(path.string() + " is no file of outcomes: check its name");
    std::vector<outcome> outcomes;
    for (auto const& line : run::whole_lines(path)) {
        auto const entry = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
        try {
            outcome one{.id = entry.at("id"),
                        .why = entry.value("why", ""),
                        .model_first = entry.at("model_first"),
                        .both_orders = entry.contains("inconsistent"),
                        .inconsistent = entry.value("inconsistent", false),
                        .model_length = entry.at("model_length"),
                        .reference_length = entry.at("reference_length"),
                        .usage = {entry.at("prompt_tokens"), entry.at("completion_tokens")}};
            bool is_known = false;
            for (auto const result : {verdict::win, verdict::loss, verdict::tie, verdict::failure})
                if (entry.at("verdict") == verdict_word(result)) one.result = result, is_known = true;
            if (!is_known) throw std::invalid_argument("unknown verdict");
            outcomes.push_back(std::move(one));
        } catch (std::exception const&) {
            throw std::runtime_error(fmt::format("{}:{} is no outcome of a judging: judge again to write it anew",
                                                 path.string(), outcomes.size() + 1));
        }
    }
    return outcomes;
}

}  // namespace proximal::judge
