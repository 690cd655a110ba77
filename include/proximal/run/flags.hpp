// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <proximal/run/any_knob.hpp>
#include <proximal/run/edit_distance.hpp>
#include <proximal/run/foreign_flags.hpp>
#include <proximal/run/refused_fields.hpp>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace proximal::run {

/// A value that was given: its text, and where it stood.
struct given_value {
    std::string text;
    std::string source =
        "flag";               // or a place in a configuration file, "run.yaml:3"; or the option that it follows from
    bool is_default = false;  // in a file, and the default: a file may name every option

    bool operator==(given_value const&) const = default;
};

/// What was given on a command line, and in its configuration file, by name without dashes: who builds on defaults can
/// tell a choice from them.
using given_flags = std::map<std::string, given_value, std::less<>>;

/// Whether a value was given that says something: by a flag, or in a file where it is not the default.
inline bool is_chosen(given_flags const& given, std::string_view name) {
    auto const found = given.find(name);
    return found != given.end() && !found->second.is_default;
}

/// Why a flag may not be given, and the default that a configuration file may nevertheless name.
struct refused_flag {
    std::string because;  // "no part of grpo reads it"
    std::string default_text = {};
};
using refused_flags = std::map<std::string, refused_flag, std::less<>>;

/// The text of `--help`: the knobs below the names of their parts, in order, each once.
inline std::string flags_help(std::vector<any_knob> const& knobs, std::string_view description) {
    std::string text =
        fmt::format("{}\nFlags are --name value or --name=value; --help NAME says more about one.\n", description);
    std::string_view part;
    std::set<std::string_view> seen;
    for (auto const& knob : knobs) {
        if (!seen.insert(knob.name).second) continue;
        if (part != knob.part) text += fmt::format("\n{}:\n", part = knob.part);
        bool const is_told = knob.accepts != "finite" && knob.accepts != "text" && !knob.is_bool;
        text += fmt::format("  {:<38} {}{}\n", "--" + knob.name + "=" + knob.default_text, knob.meaning,
                            is_told ? " (" + knob.accepts + ")" : "");
    }
    return text;
}

/// The value that a command line gives a flag, or another: what must be known before the other flags are.
inline std::string flag_value(std::vector<std::string> const& arguments, std::string const& flag,
                              std::string otherwise) {
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        if (arguments[i] == "--" + flag && i + 1 < arguments.size()) otherwise = arguments[i + 1];
        if (arguments[i].starts_with("--" + flag + "=")) otherwise = arguments[i].substr(flag.size() + 3);
    }
    return otherwise;
}

namespace detail {
/// What is said about a name that is no flag.
inline std::string unknown_flag(std::string_view name, std::set<std::string> const& names) {
    if (auto const* const field = find_refused_field(name.substr(name.rfind('.') + 1)))
        return fmt::format("--{} is not supported: {}", name, field->because);
    if (auto const* const foreign = find_foreign_flag(name)) {
        if (foreign->ours.empty()) return fmt::format("--{} is not supported: {}", name, foreign->because);
        return fmt::format("--{} is called {} here{}{}", name, foreign->ours, foreign->because.empty() ? "" : ": ",
                           foreign->because);
    }
    std::string_view nearest;
    std::size_t distance = 3;  // farther names are no misspellings
    auto const look = [&](std::string_view known) {
        if (auto const edits = edit_distance(known, name); edits < distance) nearest = known, distance = edits;
    };
    for (auto const& known : names) look(known);
    for (auto const& field : refused_fields) look(field.name);
    if (nearest.empty()) return fmt::format("there is no flag --{}: see --help", name);
    auto const* const refused = find_refused_field(nearest);
    return fmt::format("there is no flag --{}: did you mean --{}? {}", name, nearest,
                       refused ? fmt::format("It is not supported: {}", refused->because) : "See --help");
}
}  // namespace detail

/// The text of `--help NAME`: what an option means, takes and is by default, and what TRL makes of it; or why there is
/// none of that name.
inline std::string flag_help(std::vector<any_knob> const& knobs, std::string name, refused_flags const& refused = {}) {
    name.erase(0, std::min(name.find_first_not_of('-'), name.size()));
    std::replace(name.begin(), name.end(), '-', '_');
    if (auto const why = refused.find(name); why != refused.end())
        return fmt::format("--{} would do nothing: {}\n", name, why->second.because);
    auto const knob = std::find_if(knobs.begin(), knobs.end(), [&](any_knob const& k) { return k.name == name; });
    if (knob != knobs.end()) {
        bool const is_told = knob->accepts != "finite" && knob->accepts != "text" && knob->accepts != knob->type;
        return fmt::format("--{}: {}\n  takes {}{}{}\n  default: {}\n{}", name, knob->meaning, knob->type,
                           is_told ? ", " + knob->accepts : "", knob->can_be_unset ? ", or none" : "",
                           knob->default_text, knob->details.empty() ? "" : "  " + knob->details + "\n");
    }
    std::set<std::string> names;
    for (auto const& known : knobs) names.insert(known.name);
    auto text = detail::unknown_flag(name, names) + "\n";
    if (auto const* const field = find_refused_field(name))
        text += fmt::format("  TRL's default, {}, is accepted and changes nothing\n",
                            field->trl_default.empty() ? "none" : field->trl_default);
    return text;
}

/// A command line of knobs: a flag per name, `--help`, `--help NAME`, nothing else. Several knobs of one name are one
/// flag.
///
/// `--name value` and `--name=value`; a bool is also set by its name alone; dashes and underscores are the same; of a
/// flag given twice the last counts, as in argparse. Gives what was given; nothing where `--help` was asked for and
/// printed.
/// Throws std::invalid_argument for a value of the wrong type, a flag without a value, a word that belongs to no flag,
/// a flag in `refused`, and an unknown one: with our name where another library's is known, or else the nearest
/// spelling. A field of TRL's that would have no effect may be given TRL's default, which asks for nothing.
inline std::optional<given_flags> parse_flags(std::vector<any_knob> const& knobs, std::string const& description,
                                              std::vector<std::string> const& arguments,
                                              refused_flags const& refused = {}) {
    std::set<std::string> names;
    given_flags given;
    for (auto const& knob : knobs) names.insert(knob.name);
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        auto const& word = arguments[i];
        if (word == "--help" || word == "-h" || word.starts_with("--help=")) {
            auto const about = word.starts_with("--help=") ? word.substr(7)
                               : i + 1 < arguments.size()  ? arguments[i + 1]
                                                           : std::string();
            bool const one = !about.empty() && about != "-h" && about.find('=') == std::string::npos;
            fmt::print("{}", one ? flag_help(knobs, about, refused) : flags_help(knobs, description));
            return std::nullopt;
        }
        if (!word.starts_with("--") || word.size() == 2)
            throw std::invalid_argument(fmt::format(
                "'{}' belongs to no flag: write --name value, a flag takes one value, or see --help", word));
        auto const equals = std::min(word.find('='), word.size());
        auto name = word.substr(2, equals - 2);
        std::replace(name.begin(), name.end(), '-', '_');
        if (auto const why = refused.find(name); why != refused.end())
            throw std::invalid_argument(fmt::format("--{} would do nothing: {}", name, why->second.because));
        auto const* const field = find_refused_field(name);
        if (!names.contains(name) && !field) throw std::invalid_argument(detail::unknown_flag(name, names));
        auto const of_name = [&](any_knob const& knob) { return knob.name == name; };
        bool const is_bool =
            field ? detail::same_value(field->trl_default, "false") || detail::same_value(field->trl_default, "true")
                  : std::any_of(knobs.begin(), knobs.end(),
                                [&](any_knob const& knob) { return of_name(knob) && knob.is_bool; });
        bool const followed = i + 1 < arguments.size() && !arguments[i + 1].starts_with("--");
        std::string text = "true";
        if (equals < word.size()) text = word.substr(equals + 1);
        else if (followed) text = arguments[++i];
        else if (!is_bool)
            throw std::invalid_argument(fmt::format("--{} has no value: write --{} VALUE, or see --help", name, name));
        if (field) {
            if (!asks_for_nothing(*field, text)) throw std::invalid_argument(detail::unknown_flag(name, names));
            continue;
        }
        for (auto const& knob : knobs)
            if (of_name(knob)) knob.read(text);
        given[name] = {.text = std::move(text)};
    }
    return given;
}

/// The same for a configuration and for parts of algorithms, each a reflected value. Gives whether the program goes on.
template <Reflected Config, class... Parts>
bool parse_flags(Config& config, std::string const& description, std::vector<std::string> const& arguments,
                 Parts&... parts) {
    auto knobs = any_knobs(config);
    [[maybe_unused]] auto const add = [&](std::vector<any_knob> more) {
        knobs.insert(knobs.end(), more.begin(), more.end());
    };
    (add(any_knobs(parts)), ...);
    return parse_flags(knobs, description, arguments).has_value();
}

}  // namespace proximal::run
