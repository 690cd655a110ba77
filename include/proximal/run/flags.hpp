// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <proximal/compose/reflect.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace proximal::run {

template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;

/// What a flag of this type expects, in a user's words.
template <class T>
constexpr std::string_view flag_type() {
    if constexpr (is_optional<T>) return flag_type<typename T::value_type>();
    else if constexpr (std::is_same_v<T, bool>) return "true or false";
    else if constexpr (std::is_unsigned_v<T>) return "a whole number, 0 or more";
    else if constexpr (std::is_integral_v<T>) return "a whole number";
    else if constexpr (std::is_floating_point_v<T>) return "a number";
    else return "text";
}

/// Reads a flag's text; the whole text must be of the type. Throws std::invalid_argument naming flag, type and text.
template <class T>
void read_flag(T& value, std::string_view flag, std::string_view text) {
    if constexpr (is_optional<T>) {
        if (text == "None" || text == "none") value.reset();  // Python's spelling of "not set"
        else read_flag(value.emplace(), flag, text);
    } else if constexpr (std::is_same_v<T, std::string>) {
        value = text;
    } else {
        T parsed{};
        bool read = false;
        if constexpr (std::is_same_v<T, bool>) {
            parsed = text == "true" || text == "True" || text == "1";
            read = parsed || text == "false" || text == "False" || text == "0";
        } else {
            auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), parsed);
            read = error == std::errc{} && end == text.data() + text.size();
        }
        if (!read) throw std::invalid_argument(fmt::format("--{} expects {}, not '{}'", flag, flag_type<T>(), text));
        value = parsed;
    }
}

/// How a value is written in help and reports.
template <class T>
std::string flag_text(T const& value) {
    if constexpr (is_optional<T>) return value ? flag_text(*value) : "none";
    else return fmt::format("{}", value);
}

/// The number of single-character edits between two words. Source: Levenshtein (1966).
inline std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        std::size_t diagonal = row[0]++;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            std::size_t const substituted = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            row[j] = std::min({row[j] + 1, row[j - 1] + 1, substituted});
        }
    }
    return row.back();
}

/// One flag of a command line: every knob of its name takes what is given to it.
struct flag {
    std::string name, meaning, default_text;
    bool is_bool = false;
    std::vector<std::function<void(std::string_view)>> readers{};  ///< one for each knob of the name
};

/// Adds the flags of a reflected struct or of an algorithm's parts. A knob of a known name is read with it, unless the
/// earlier one is `ruling`: then the later one is left alone (see copy_knobs).
template <class Part>
void add_flags(std::vector<flag>& flags, Part& part, std::size_t ruling) {
    visit_knobs(part, [&](std::string_view, auto const& knob, auto& value) {
        using Value = std::remove_cvref_t<decltype(value)>;
        std::string const name(knob.name);
        auto const known = std::find_if(flags.begin(), flags.end(), [&](flag const& f) { return f.name == name; });
        if (known != flags.end() && known - flags.begin() < static_cast<std::ptrdiff_t>(ruling)) return;
        auto const read = [&value, name](std::string_view text) { read_flag(value, name, text); };
        if (known != flags.end()) return known->readers.push_back(read);
        flags.push_back({.name = name,
                         .meaning = std::string(knob.meaning),
                         .default_text = flag_text(value),
                         .is_bool = std::is_same_v<Value, bool>,
                         .readers = {read}});
    });
}

/// A command line for a reflected struct and for the parts of algorithms: a flag per knob, `--help`, nothing else.
///
/// `--name value` and `--name=value`; a bool is also set by its name alone; dashes and underscores are the same.
/// A part's knob that `config` has too is config's: give it to the algorithm with copy_knobs(config, algorithm).
/// An unknown flag is refused with the nearest known one; so is a value of the wrong type. Both throw
/// std::invalid_argument; `--help` prints and returns false.
template <Reflected Config, class... Parts>
bool parse_flags(Config& config, std::string const& description, std::vector<std::string> arguments, Parts&... parts) {
    CLI::App app(description);
    app.allow_extras();
    for (auto& argument : arguments)
        if (argument.starts_with("--")) {
            auto const end = std::min(argument.find('='), argument.size());
            std::replace(argument.begin() + 2, argument.begin() + static_cast<std::ptrdiff_t>(end), '-', '_');
        }
    std::vector<flag> flags;
    add_flags(flags, config, 0);
    [[maybe_unused]] std::size_t const ruling = flags.size();  // unused without parts
    (add_flags(flags, parts, ruling), ...);
    for (auto const& flag : flags) {
        auto* const option = app.add_option_function<std::vector<std::string>>(
                                    "--" + flag.name,
                                    [&flag](std::vector<std::string> const& texts) {
                                        bool const alone = texts.empty() || texts.back().empty();
                                        for (auto const& read : flag.readers)
                                            read(alone && flag.is_bool ? "true" : texts.back());
                                    },
                                    flag.meaning)
                                 ->type_name("")
                                 ->take_last();
        // CLI11 takes a default text for the value of a flag that stands alone: a bool must have none.
        if (flag.is_bool) option->expected(0, 1);
        else option->expected(1)->default_str(flag.default_text);
    }
    try {
        std::reverse(arguments.begin(), arguments.end());  // CLI11 takes them from the back
        app.parse(std::move(arguments));
    } catch (CLI::CallForHelp const&) {
        fmt::print("{}", app.help());
        return false;
    } catch (CLI::ArgumentMismatch const& error) {
        throw std::invalid_argument(std::string(error.what()) + ": give it one value, or see --help");
    }
    for (auto const& extra : app.remaining()) {
        if (!extra.starts_with("-"))
            throw std::invalid_argument(
                fmt::format("'{}' belongs to no flag: write --name value, or see --help", extra));
        auto const unknown = extra.substr(extra.find_first_not_of('-'), extra.find('=') - extra.find_first_not_of('-'));
        auto const nearest = std::min_element(flags.begin(), flags.end(), [&](auto const& a, auto const& b) {
                                 return edit_distance(a.name, unknown) < edit_distance(b.name, unknown);
                             })->name;
        throw std::invalid_argument(
            fmt::format("there is no flag --{}: did you mean --{}? See --help", unknown, nearest));
    }
    return true;
}

}  // namespace proximal::run
