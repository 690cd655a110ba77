// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstddef>
#include <optional>
#include <proximal/run/any_knob.hpp>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace proximal::run {

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

/// A command line of knobs: a flag per name, `--help`, nothing else. Several knobs of one name are one flag.
///
/// `--name value` and `--name=value`; a bool is also set by its name alone; dashes and underscores are the same.
/// Gives the names of the flags that were given: who builds on defaults can tell them from a choice. Nothing where
/// `--help` was asked for and printed. An unknown flag is refused with the nearest known one; so is a value of the
/// wrong type: std::invalid_argument.
inline std::optional<std::set<std::string>> parse_flags(std::vector<any_knob> const& knobs,
                                                        std::string const& description,
                                                        std::vector<std::string> arguments) {
    CLI::App app(description);
    app.allow_extras();
    for (auto& argument : arguments)
        if (argument.starts_with("--")) {
            auto const end = std::min(argument.find('='), argument.size());
            std::replace(argument.begin() + 2, argument.begin() + static_cast<std::ptrdiff_t>(end), '-', '_');
        }
    std::set<std::string> names, given;
    for (auto const& knob : knobs) {
        if (!names.insert(knob.name).second) continue;
        auto const take = [&, name = knob.name](std::vector<std::string> const& texts) {
            bool const alone = texts.empty() || texts.back().empty();
            for (auto const& k : knobs)
                if (k.name == name) k.read(alone && k.is_bool ? "true" : texts.back());
            given.insert(name);
        };
        auto* const option =
            app.add_option_function<std::vector<std::string>>("--" + knob.name, take, knob.meaning)->type_name("");
        option->take_last();
        // CLI11 takes a default text for the value of a flag that stands alone: a bool must have none.
        if (knob.is_bool) option->expected(0, 1);
        else option->expected(1)->default_str(knob.default_text);
    }
    try {
        std::reverse(arguments.begin(), arguments.end());  // CLI11 takes them from the back
        app.parse(std::move(arguments));
    } catch (CLI::CallForHelp const&) {
        fmt::print("{}", app.help());
        return std::nullopt;
    } catch (CLI::ArgumentMismatch const& error) {
        throw std::invalid_argument(std::string(error.what()) + ": give it one value, or see --help");
    }
    for (auto const& extra : app.remaining()) {
        if (!extra.starts_with("-"))
            throw std::invalid_argument(
                fmt::format("'{}' belongs to no flag: write --name value, or see --help", extra));
        auto const unknown = extra.substr(extra.find_first_not_of('-'), extra.find('=') - extra.find_first_not_of('-'));
        auto const nearest = *std::min_element(names.begin(), names.end(), [&](auto const& a, auto const& b) {
            return edit_distance(a, unknown) < edit_distance(b, unknown);
        });
        throw std::invalid_argument(
            fmt::format("there is no flag --{}: did you mean --{}? See --help", unknown, nearest));
    }
    return given;
}

/// The same for a configuration and for parts of algorithms, each a reflected value. Gives whether the program goes on.
template <Reflected Config, class... Parts>
bool parse_flags(Config& config, std::string const& description, std::vector<std::string> arguments, Parts&... parts) {
    auto knobs = any_knobs(config);
    [[maybe_unused]] auto const add = [&](std::vector<any_knob> more) {
        knobs.insert(knobs.end(), more.begin(), more.end());
    };
    (add(any_knobs(parts)), ...);
    return parse_flags(knobs, description, std::move(arguments)).has_value();
}

}  // namespace proximal::run
