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
#include <proximal/run/error_lines.hpp>
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
    bool is_default = false;  // in a file that names every option, and the default: it says nothing

    bool operator==(given_value const&) const = default;
};

/// What was given on a command line, and in its configuration file, by name without dashes: who builds on defaults can
/// tell a choice from them.
using given_flags = std::map<std::string, given_value, std::less<>>;

/// Whether a value was given that says something: by a flag, or in a file, but for the defaults of one that names every
/// option.
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
/// "is one of these meant: --learning_rate, --lr_scheduler_type? See --help": the names, at most five, that share words
/// with a name, or hold it; "see --help" where there are none.
inline std::string names_like(std::string_view name, std::set<std::string> const& names) {
    auto const words_of = [](std::string_view text) {
        std::set<std::string_view> words;
        for (std::size_t at = 0; at <= text.size();) {
            auto const end = std::min(text.find_first_of("_.", at), text.size());
            if (end - at > 2) words.insert(text.substr(at, end - at));
            at = end + 1;
        }
        return words;
    };
    auto const asked = words_of(name);
    std::multimap<std::size_t, std::string_view, std::greater<>> alike;  // by how many words
    for (auto const& known : names) {
        auto const words = words_of(known);
        auto shared = static_cast<std::size_t>(
            std::count_if(asked.begin(), asked.end(), [&](auto const& word) { return words.contains(word); }));
        if (shared == 0 && name.size() > 2 && known.find(name) != std::string::npos) shared = 1;
        if (shared > 0) alike.emplace(shared, known);
    }
    std::string text;
    for (int left = 5; auto const& [shared, known] : alike)
        if (left-- > 0) text += fmt::format("{}--{}", text.empty() ? "" : ", ", known);
    return text.empty() ? "see --help" : fmt::format("is one of these meant: {}? See --help", text);
}

/// What is said about a name that is no flag.
inline std::string unknown_flag(std::string_view name, std::set<std::string> const& names) {
    if (auto const* const field = find_refused_field(name.substr(name.rfind('.') + 1)))
        return fmt::format("--{} is not supported: {}", name, field->because);
    if (auto const* const foreign = find_foreign_flag(name, names)) {
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
    if (nearest.empty()) return fmt::format("there is no flag --{}: {}", name, names_like(name, names));
    auto const* const refused = find_refused_field(nearest);
    return fmt::format("there is no flag --{}: did you mean --{}? {}", name, nearest,
                       refused ? fmt::format("It is not supported: {}", refused->because) : "See --help");
}
}  // namespace detail

/// The text of `--help NAME`: what an option means, takes and is by default, and what TRL makes of it; or what another
/// library's option is called here. Throws std::invalid_argument, with the nearest names, where there is none of that
/// name.
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
    auto const* const field = find_refused_field(name);
    if (!field && !find_foreign_flag(name)) throw std::invalid_argument(text.substr(0, text.size() - 1));
    if (field)
        text += fmt::format("  TRL's default, {}, is accepted and changes nothing\n",
                            field->trl_default.empty() ? "none" : field->trl_default);
    return text;
}

/// The options that `--help` is asked about: the words after it, up to the next flag, or after "=". None where it is
/// asked about all. A flag's name may bear its dashes where nothing follows it. Nothing where no help is asked for.
inline std::optional<std::vector<std::string>> asked_help(std::vector<std::string> const& arguments) {
    std::optional<std::vector<std::string>> asked;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        auto const& word = arguments[i];
        if (word != "--help" && word != "-h" && !word.starts_with("--help=")) continue;
        if (!asked) asked.emplace();
        if (word.starts_with("--help=") && word.size() > 7) asked->push_back(word.substr(7));
        for (; i + 1 < arguments.size() && !arguments[i + 1].starts_with('-'); ++i) asked->push_back(arguments[i + 1]);
        if (asked->empty() && i + 2 == arguments.size() && arguments[i + 1].starts_with("--") &&
            arguments[i + 1].find('=') == std::string::npos)
            asked->push_back(arguments[++i]);
    }
    return asked;
}

/// Reads a command line into knobs as parse_flags does, but for help. What is wrong is added to the errors.
inline given_flags read_flags(std::vector<any_knob> const& knobs, std::vector<std::string> const& arguments,
                              refused_flags const& refused, error_lines& errors) {
    std::set<std::string> names;
    given_flags given;
    for (auto const& knob : knobs) names.insert(knob.name);
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        auto const& word = arguments[i];
        auto const dashes = std::min(word.find_first_not_of('-'), word.size());
        auto const equals = std::min(word.find('='), word.size());
        auto name = word.substr(dashes, std::max(equals, dashes) - dashes);
        std::replace(name.begin(), name.end(), '-', '_');
        auto const* const field = find_refused_field(name);
        bool const followed = i + 1 < arguments.size() && !arguments[i + 1].starts_with("--");
        if (dashes == 1 && (names.contains(name) || field || find_foreign_flag(name))) {
            errors.add(names.contains(name) ? fmt::format("'-{}' has one dash: write --{}", name, name)
                                            : detail::unknown_flag(name, names));
            if (equals == word.size() && followed) ++i;  // its value, no stray word
            continue;
        }
        if (dashes != 2 || name.empty()) {
            errors.add(fmt::format("'{}' belongs to no flag: write --name value, a flag takes one value, or see --help",
                                   word));
            continue;
        }
        auto const why = refused.find(name);
        auto const of_name = [&](any_knob const& knob) { return knob.name == name; };
        bool const is_bool =
            field ? detail::same_value(field->trl_default, "false") || detail::same_value(field->trl_default, "true")
                  : std::any_of(knobs.begin(), knobs.end(),
                                [&](any_knob const& knob) { return of_name(knob) && knob.is_bool; });
        std::string text = "true";
        if (equals < word.size()) text = word.substr(equals + 1);
        else if (followed) text = arguments[++i];
        if (why != refused.end()) {
            errors.add(fmt::format("--{} would do nothing: {}", name, why->second.because));
        } else if (!names.contains(name) && !field) {
            errors.add(detail::unknown_flag(name, names));
        } else if (equals == word.size() && !followed && !is_bool) {
            errors.add(fmt::format("--{} has no value: write --{} VALUE, or see --help", name, name));
        } else if (field) {
            if (!asks_for_nothing(*field, text)) errors.add(detail::unknown_flag(name, names));
        } else {
            bool const is_read = errors.gather([&] {
                for (auto const& knob : knobs)
                    if (of_name(knob)) knob.read(text);
            });
            if (is_read) given[name] = {.text = std::move(text)};
        }
    }
    for (auto const& [name, value] : given)
        for (auto const& knob : knobs)
            if (knob.name == name) errors.gather(knob.check);
    return given;
}

/// A command line of knobs: a flag per name, `--help`, `--help NAME ...`, nothing else. Several knobs of one name are
/// one flag.
///
/// `--name value` and `--name=value`; a bool is also set by its name alone; dashes and underscores are the same; of a
/// flag given twice the last counts, as in argparse. Gives what was given; nothing where `--help` was asked for and
/// printed.
/// Throws std::invalid_argument, a line for each mistake: a value of the wrong type or that its knob does not accept, a
/// flag without a value, a word that belongs to no flag, a flag in `refused`, and an unknown one: with our name where
/// another library's is known, or else the nearest spelling. A field of TRL's that would have no effect may be given
/// TRL's default, which asks for nothing.
inline std::optional<given_flags> parse_flags(std::vector<any_knob> const& knobs, std::string const& description,
                                              std::vector<std::string> const& arguments,
                                              refused_flags const& refused = {}) {
    error_lines errors;
    if (auto const asked = asked_help(arguments)) {
        if (asked->empty()) fmt::print("{}", flags_help(knobs, description));
        for (auto const& name : *asked) errors.gather([&] { fmt::print("{}", flag_help(knobs, name, refused)); });
        errors.refuse();
        return std::nullopt;
    }
    auto given = read_flags(knobs, arguments, refused, errors);
    errors.refuse();
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
