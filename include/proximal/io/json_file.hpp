// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <string_view>

namespace proximal::io {

/// JSON from a text. Throws std::invalid_argument, "is no valid JSON from character 17 on", where it is none.
inline nlohmann::json parse_json(std::string_view text) {
    try {
        return nlohmann::json::parse(text);
    } catch (nlohmann::json::parse_error const& error) {
        if (text.find_first_not_of(" \t\r\n") == std::string_view::npos)
            throw std::invalid_argument("is empty, and no JSON");
        bool const is_bytes = std::string_view(error.what()).find("UTF-8") != std::string_view::npos;
        throw std::invalid_argument(is_bytes ? fmt::format("is not UTF-8 at byte {}: convert it first", error.byte)
                                             : fmt::format("is no valid JSON from character {} on", error.byte));
    }
}

/// A whole JSON file. Throws std::runtime_error, naming the file, where it cannot be read or is no JSON.
inline nlohmann::json read_json(std::filesystem::path const& path) {
    std::ifstream in(path, std::ios::binary);
    if (!in)
        throw std::runtime_error(
            fmt::format("{} cannot be read; check that it exists and may be opened", path.string()));
    std::string const text(std::istreambuf_iterator<char>(in), {});
    try {
        return parse_json(text);
    } catch (std::invalid_argument const& error) {
        throw std::runtime_error(fmt::format("{} {}; fetch or write it again", path.string(), error.what()));
    }
}

/// What is wrong with a JSON value, in words: the library's own without its numbers.
inline std::string json_trouble(nlohmann::json::exception const& error) {
    std::string const text = error.what();
    auto const begin = text.find("] ");
    return begin == std::string::npos ? text : text.substr(begin + 2);
}

/// What an object holds under a key, or `otherwise` where there is none, or null: many real files write null for what
/// is not set. Throws std::invalid_argument naming the key where the value is of another type.
template <class Value>
Value value_or(nlohmann::json const& object, std::string_view key, Value otherwise) {
    auto const found = object.find(key);
    if (found == object.end() || found->is_null()) return otherwise;
    try {
        return found->template get<Value>();
    } catch (nlohmann::json::exception const&) {
        throw std::invalid_argument(
            fmt::format("the key \"{}\" holds {}, which is of the wrong type", key, found->dump()));
    }
}

}  // namespace proximal::io
