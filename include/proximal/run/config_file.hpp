// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>
#include <unistd.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <ios>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <proximal/io/expand_user.hpp>
#include <regex>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace proximal::run {

/// What stands at a key of a configuration file.
enum class entry_kind { null, plain, quoted, list, dictionary };

/// A key of a configuration file, with its value as the text of a flag: "none" for null, words with commas for a list,
/// JSON for a dictionary.
struct config_entry {
    std::string key;
    std::string text;
    entry_kind kind = entry_kind::plain;
    std::string place;  // "run.yaml:3"
};

namespace detail {
/// YAML as JSON. A plain word that is a number, true or false is that; YAML 1.1's other bools (yes, on) are text.
///
/// `left` bounds how many values there are: an alias may stand for many, or for what it stands in.
inline nlohmann::json json_of(YAML::Node const& node, std::int64_t& left, int depth = 0) {
    if (--left < 0 || depth > 20)
        throw std::invalid_argument("it holds too many values, or an alias that stands for what it is in");
    if (node.IsSequence()) {
        auto list = nlohmann::json::array();
        for (auto const& item : node) list.push_back(json_of(item, left, depth + 1));
        return list;
    }
    if (node.IsMap()) {
        auto dictionary = nlohmann::json::object();
        for (auto const& item : node) dictionary[item.first.Scalar()] = json_of(item.second, left, depth + 1);
        return dictionary;
    }
    if (node.IsNull()) return nullptr;
    auto const& text = node.Scalar();
    if (node.Tag() == "!") return text;  // quoted
    if (text == "true" || text == "True") return true;
    if (text == "false" || text == "False") return false;
    auto number = nlohmann::json::parse(text, nullptr, false);
    if (number.is_number()) return number;
    double value = 0.0;
    auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc{} && end == text.data() + text.size() ? nlohmann::json(value) : nlohmann::json(text);
}

inline config_entry entry_of(YAML::Node const& value, std::string key, std::string place) {
    config_entry entry{.key = std::move(key), .text = {}, .kind = entry_kind::plain, .place = std::move(place)};
    if (value.IsMap()) {
        entry.kind = entry_kind::dictionary;
        try {
            std::int64_t most = 10'000;
            entry.text = json_of(value, most).dump();
        } catch (std::exception const& error) {
            throw std::invalid_argument(
                fmt::format("{}: {} is no dictionary that can be read: {}", entry.place, entry.key, error.what()));
        }
    } else if (value.IsSequence()) {
        entry.kind = entry_kind::list;
        for (auto const& item : value) {
            if (!item.IsScalar())
                throw std::invalid_argument(
                    fmt::format("{}: the list at {} may hold words and numbers alone", entry.place, entry.key));
            entry.text += (entry.text.empty() ? "" : ",") + item.Scalar();
        }
        if (entry.text.empty()) entry.text = "none";
    } else if (value.IsNull()) {
        entry.kind = entry_kind::null;
        entry.text = "none";
    } else {
        entry.kind = value.Tag() == "!" ? entry_kind::quoted : entry_kind::plain;
        entry.text = value.Scalar();
    }
    return entry;
}

/// A file's text: UTF-8, without the byte-order mark that some editors put first. `option` is what names the file.
inline std::string config_text_of(std::filesystem::path const& path, std::string const& option = "--config") {
    std::error_code error;
    auto const name = option + " " + path.string();
    if (std::filesystem::is_directory(path, error))
        throw std::runtime_error(name + " is a folder: name a YAML or JSON file");
    if (std::filesystem::exists(path, error) && !std::filesystem::is_regular_file(path, error))
        throw std::runtime_error(name + " is no plain file, and it is read more than once: write it to one");
    if (std::filesystem::exists(path, error) && ::access(path.c_str(), R_OK) != 0)
        throw std::runtime_error(name + " may not be read: look at its permissions");
    std::ifstream file(path, std::ios::binary);
    std::string text(std::istreambuf_iterator<char>(file), {});
    if (!file.is_open() || file.bad())
        throw std::runtime_error(name + " cannot be read: name a YAML or JSON file that is there");
    if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);
    if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF"))
        throw std::invalid_argument(name + " is UTF-16: save it as UTF-8");
    return text;
}

/// JSON as the YAML that it almost is: tabs are white space, and a character beyond 16 bits is two escapes,
/// "\ud83d\ude00", where YAML has one, "\U0001f600".
inline std::string yaml_of_json(std::string text) {
    std::replace(text.begin(), text.end(), '\t', ' ');
    static std::regex const pair(R"(\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2}))");
    for (std::smatch found; std::regex_search(text, found, pair);) {
        auto const high = std::stoul(found[1], nullptr, 16), low = std::stoul(found[2], nullptr, 16);
        text = found.prefix().str() + fmt::format("\\U{:08x}", 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00)) +
               found.suffix().str();
    }
    return text;
}

/// A tab may not indent YAML, and looks as if it did.
inline void refuse_tabs(std::string const& text, std::string const& name) {
    std::istringstream lines(text);
    std::string line;
    for (std::int64_t number = 1; std::getline(lines, line); ++number) {
        auto const begin = line.find_first_not_of(" \t");
        if (line.find('\t') < begin && begin != std::string::npos && line[begin] != '\r')
            throw std::invalid_argument(
                fmt::format("{}:{}: the line begins with a tab: indent with spaces", name, number));
    }
}

/// The mapping that a text is, YAML or JSON. `file` stands before a line, `option` before what concerns the whole,
/// `remedy` after it.
inline YAML::Node mapping_of(std::string text, std::string const& file, std::string const& option,
                             std::string const& remedy) {
    auto const first = text.find_first_not_of(" \t\r\n");
    if (first != std::string::npos && text[first] == '{') text = yaml_of_json(std::move(text));
    else refuse_tabs(text, file);
    std::vector<YAML::Node> documents;
    try {
        documents = YAML::LoadAll(text);
    } catch (YAML::Exception const& error) {
        throw std::invalid_argument(
            fmt::format("{}:{}: this is neither YAML nor JSON: {}", file, error.mark.line + 1, error.msg));
    }
    auto const refuse = [&](std::string const& why) { throw std::invalid_argument(option + why); };
    if (documents.empty() || documents.front().IsNull()) refuse(" is empty: " + remedy);
    if (documents.size() > 1) refuse(" holds several documents: keep one");
    if (!documents.front().IsMap()) refuse(" holds no options: " + remedy);
    return documents.front();
}
}  // namespace detail

/// The keys of a configuration file, YAML or JSON, in order: a flat mapping from names of options to values. Dashes in
/// names are underscores.
///
/// Throws std::runtime_error where the file cannot be read, and std::invalid_argument, with file and line, where it is
/// no such mapping or a key stands twice.
inline std::vector<config_entry> read_config_file(std::string const& path) {
    auto const file = io::expand_user(path);
    auto const name = file.filename().string();
    auto const options = detail::mapping_of(detail::config_text_of(file), name, "--config " + path,
                                            "write a line NAME: VALUE for each option");
    std::vector<config_entry> entries;
    std::map<std::string, std::string> places;
    for (auto const& item : options) {
        auto const place = fmt::format("{}:{}", name, item.first.Mark().line + 1);
        if (!item.first.IsScalar()) throw std::invalid_argument(place + ": a key must be the name of an option");
        auto key = item.first.Scalar();
        std::replace(key.begin(), key.end(), '-', '_');
        if (auto const [known, is_new] = places.emplace(key, place); !is_new)
            throw std::invalid_argument(
                fmt::format("{}: {} stands at {} already: keep one of them", place, key, known->second));
        entries.push_back(detail::entry_of(item.second, std::move(key), place));
    }
    return entries;
}

}  // namespace proximal::run
