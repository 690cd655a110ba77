// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>
#include <unistd.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <ios>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <proximal/io/expand_user.hpp>
#include <proximal/run/error_lines.hpp>
#include <proximal/run/flag_value.hpp>
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
/// A plain word of YAML as the number that PyYAML reads, which is YAML 1.1's and what TRL's users have: 0x10 is 16 and
/// .inf a number. Other words come back as they are. Throws std::invalid_argument, with what to write, where YAML 1.1
/// reads another number than most people (017, 1:30), or none (0o17).
inline std::string number_of_yaml(std::string const& text) {
    static std::regex const based("[-+]?0([xbo]?)[0-9a-fA-F_]+"),
        sixtieths("[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\\.[0-9_]*)?"), not_finite("([-+]?)\\.(inf|Inf|INF|nan|NaN|NAN)");
    std::smatch found;
    bool const is_negative = text.starts_with('-');
    auto const value_of = [&](std::size_t from, int base) -> std::optional<std::int64_t> {
        auto digits = text.substr(from);
        std::erase(digits, '_');
        std::int64_t value = 0;
        auto const [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
        if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
        return is_negative ? -value : value;
    };
    if (std::regex_match(text, found, not_finite)) {
        auto word = found.str(2);
        std::transform(word.begin(), word.end(), word.begin(), [](unsigned char c) { return std::tolower(c); });
        return (is_negative && word == "inf" ? "-" : "") + word;
    }
    if (std::regex_match(text, found, based)) {
        auto const at = text.find('0');
        auto const kind = found.str(1);
        if (kind == "x" || kind == "b") {
            auto const value = value_of(at + 2, kind == "x" ? 16 : 2);
            return value ? std::to_string(*value) : text;
        }
        auto const octal = value_of(at + 1 + kind.size(), 8), decimal = value_of(at + kind.size(), 10);
        if (!octal) return text;  // 08 is no octal number
        if (kind == "o")
            throw std::invalid_argument(
                fmt::format("{} is text in YAML 1.1 and a number in 1.2: write {}", text, *octal));
        if (octal != decimal)
            throw std::invalid_argument(
                fmt::format("{} is octal in YAML 1.1, {}: write {} or {}", text, *octal, *octal, *decimal));
        return std::to_string(*octal);
    }
    if (std::regex_match(text, sixtieths)) {
        double value = 0.0;
        std::istringstream parts(text.substr(text.find_first_of("0123456789")));
        for (std::string part; std::getline(parts, part, ':');) {
            std::erase(part, '_');
            value = value * 60.0 + std::strtod(part.c_str(), nullptr);
        }
        throw std::invalid_argument(
            fmt::format("{} is a number in sixtieths in YAML 1.1: write {}", text, is_negative ? -value : value));
    }
    return text;
}

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
        for (auto const& item : node) {
            if (!item.first.IsScalar()) throw std::invalid_argument("a key in it is no word");
            dictionary[item.first.Scalar()] = json_of(item.second, left, depth + 1);
        }
        return dictionary;
    }
    if (node.IsNull()) return nullptr;
    auto const& text = node.Scalar();
    if (node.Tag() == "!") return text;  // quoted
    if (text == "true" || text == "True") return true;
    if (text == "false" || text == "False") return false;
    auto const plain = plain_number(number_of_yaml(text));
    auto number = nlohmann::json::parse(plain, nullptr, false);
    if (number.is_number()) return number;
    double value = 0.0;
    auto const [end, error] = std::from_chars(plain.data(), plain.data() + plain.size(), value);
    bool const is_number = error == std::errc{} && end == plain.data() + plain.size() && std::isfinite(value);
    return is_number ? nlohmann::json(value) : nlohmann::json(text);  // JSON has no infinity
}

inline config_entry entry_of(YAML::Node const& value, std::string key, std::string place) {
    config_entry entry{.key = std::move(key), .text = {}, .kind = entry_kind::plain, .place = std::move(place)};
    if (value.IsMap()) {
        entry.kind = entry_kind::dictionary;
        try {
            std::int64_t most = 10'000;
            entry.text = json_of(value, most).dump();
        } catch (std::invalid_argument const& error) {
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

/// What is said of a line that no parser takes: its text, and what a line is like.
inline std::string no_line(std::string const& text, std::string const& name, std::int64_t number) {
    std::istringstream lines(text);
    std::string line;
    for (std::int64_t at = 0; at < number && std::getline(lines, line); ++at) {}
    auto const begin = line.find_first_not_of(" \t"), end = line.find_last_not_of(" \t\r");
    line = begin == std::string::npos ? "" : line.substr(begin, std::min<std::size_t>(end + 1 - begin, 60));
    return fmt::format(
        "{}:{}: this is neither YAML nor JSON{}: write NAME: VALUE, and text that holds a colon, a # or "
        "a bracket in quotes",
        name, number, line.empty() ? "" : ", '" + line + "'");
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
        throw std::invalid_argument(no_line(text, file, std::max(0, error.mark.line) + 1));
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
    error_lines errors;
    for (auto const& item : options) {
        auto const place = fmt::format("{}:{}", name, item.first.Mark().line + 1);
        if (!item.first.IsScalar()) {
            errors.add(place + ": a key must be the name of an option");
            continue;
        }
        auto key = item.first.Scalar();
        std::replace(key.begin(), key.end(), '-', '_');
        if (auto const [known, is_new] = places.emplace(key, place); !is_new)
            errors.add(fmt::format("{}: {} stands at {} already: keep one of them", place, key, known->second));
        errors.gather([&] { entries.push_back(detail::entry_of(item.second, key, place)); });
    }
    errors.refuse();
    return entries;
}

}  // namespace proximal::run
