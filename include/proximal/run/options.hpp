// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <proximal/run/any_knob.hpp>
#include <proximal/run/config_file.hpp>
#include <proximal/run/flags.hpp>
#include <proximal/run/refused_fields.hpp>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace proximal::run {

/// What a command line and its configuration file gave, and whether it only asks what that comes to.
struct parsed_options {
    given_flags given;
    bool print_config = false;
};

namespace detail {
/// Why a value in a file is not taken, as "run.yaml:3: seed expects a whole number": names have no dashes there.
[[noreturn]] inline void refuse_entry(config_entry const& entry, std::string_view why) {
    throw std::invalid_argument(fmt::format("{}: {}", entry.place, why.substr(why.starts_with("--") ? 2 : 0)));
}

/// Whether TRL wrote a file: it names every field then, also those whose defaults its trainer ignores.
inline bool is_of_trl(std::vector<config_entry> const& entries) {
    return std::count_if(entries.begin(), entries.end(), [](config_entry const& entry) {
               return find_refused_field(entry.key) != nullptr;
           }) > static_cast<std::ptrdiff_t>(refused_fields.size() / 2);
}

/// What transformers makes of an fsdp_config of None.
inline constexpr std::string_view trl_fsdp_config =
    R"({"min_num_params":0,"xla":false,"xla_fsdp_grad_ckpt":false,"xla_fsdp_v2":false})";
/// Whether a program wrote a file: TRL, or one of ours as a run's record. It names every option then, and a default
/// says nothing; in a file of one's own each line is chosen, as a flag is.
inline bool names_every_option(std::vector<config_entry> const& entries, std::set<std::string> const& names) {
    auto const is_record = [](config_entry const& entry) {
        return entry.key == "provenance" && entry.kind == entry_kind::dictionary;
    };
    auto const is_known = [&](config_entry const& entry) { return names.contains(entry.key); };
    return is_of_trl(entries) || std::any_of(entries.begin(), entries.end(), is_record) ||
           std::count_if(entries.begin(), entries.end(), is_known) > static_cast<std::ptrdiff_t>(names.size() / 2);
}

/// Whether a key says nothing: it is the run's record of where values came from, or a default of TRL's that its trainer
/// ignores or that means "as the library decides".
inline bool says_nothing(config_entry const& entry, bool is_of_trl) {
    auto const& key = entry.key;
    if (key == "provenance" && entry.kind == entry_kind::dictionary) return true;
    if (entry.kind == entry_kind::null && (key == "report_to" || key == "disable_tqdm" || key == "lr_scheduler_kwargs"))
        return true;
    if (key == "fsdp_config" && entry.text == trl_fsdp_config) return true;
    if (key == "stop_token" && entry.text == "<STOP_TOKEN>") return true;  // stop_token_id is written beside it
    return is_of_trl && ((key == "max_grad_norm" && same_value(entry.text, "1.0")) ||
                         (key == "logging_steps" && same_value(entry.text, "500")));
}

/// Sets the knobs that a file names. What is wrong is added to the errors, a line an entry.
inline given_flags read_entries(std::vector<any_knob> const& knobs, std::vector<config_entry> const& entries,
                                refused_flags const& refused, error_lines& errors) {
    std::set<std::string> names;
    for (auto const& knob : knobs) names.insert(knob.name);
    bool const of_trl = is_of_trl(entries), names_all = names_every_option(entries, names);
    given_flags given;
    auto const read = [&](config_entry const& entry) {
        if (says_nothing(entry, of_trl)) return;
        if (auto const why = refused.find(entry.key); why != refused.end()) {
            if (same_value(entry.text, why->second.default_text)) return;
            refuse_entry(entry, entry.key + " would do nothing: " + why->second.because);
        }
        if (auto const* const field = find_refused_field(entry.key)) {
            if (asks_for_nothing(*field, entry.text)) return;
            refuse_entry(entry, unknown_flag(entry.key, names));
        }
        if (entry.key == "config" || entry.key == "print_config" || entry.key == "help")
            refuse_entry(entry, entry.key + " stands on the command line alone");
        if (!names.contains(entry.key))
            refuse_entry(entry,
                         unknown_flag(entry.key, names) + (entry.kind == entry_kind::dictionary
                                                               ? "; a file is flat: a line NAME: VALUE for each option"
                                                               : ""));
        given_value value{.text = entry.text, .source = entry.place, .is_default = names_all};
        for (auto const& knob : knobs) {
            if (knob.name != entry.key) continue;
            auto const expects = [&](bool is_right, std::string_view what) {
                if (!is_right) refuse_entry(entry, fmt::format("{} expects {}, not {}", entry.key, knob.type, what));
            };
            expects(entry.kind != entry_kind::null || knob.can_be_unset, "null");
            expects(entry.kind != entry_kind::list || entry.key == "report_to" || entry.key == "fsdp", "a list");
            bool const takes_keys = entry.key == "deepspeed" || entry.key == "fsdp_config";
            expects(entry.kind != entry_kind::dictionary || knob.default_text == "{}" || takes_keys, "a dictionary");
            try {
                if (entry.kind == entry_kind::plain && !knob.is_bool && !knob.is_text)
                    value.text = number_of_yaml(entry.text);
                knob.read(value.text);
                knob.check();
            } catch (std::invalid_argument const& error) {
                std::string_view const why = error.what();
                refuse_entry(entry, why.starts_with("--") ? std::string(why) : entry.key + ": " + std::string(why));
            }
            value.is_default = value.is_default && same_value(knob.text(), knob.default_text);
        }
        given.emplace(entry.key, std::move(value));
    };
    for (auto const& entry : entries) errors.gather([&] { read(entry); });
    return given;
}
}  // namespace detail

/// The value of one option, as a command line or its configuration file gives it, or another: what must be known before
/// the other options are.
inline std::string option_value(std::vector<std::string> const& arguments, std::string const& name,
                                std::string otherwise) {
    if (auto const path = flag_value(arguments, "config", ""); !path.empty())
        for (auto const& entry : read_config_file(path))
            if (entry.key == name && entry.kind != entry_kind::null) otherwise = entry.text;
    return flag_value(arguments, name, std::move(otherwise));
}

/// A command line of knobs, as parse_flags reads it, with `--config FILE` and `--print_config` besides. Flags rule over
/// the file, the file over defaults.
///
/// The file is YAML or JSON, a flat mapping from names to values: one of a user's own, a run's config_ppo.json, or what
/// TRL writes of its PPOv2Config, in which the defaults of fields that have no effect here ask for nothing.
/// Gives nothing where `--help` was asked for and printed. Throws as parse_flags does, a line for each mistake; for the
/// file with its name, the line and the key.
inline std::optional<parsed_options> parse_options(std::vector<any_knob> const& knobs, std::string const& description,
                                                   std::vector<std::string> const& arguments,
                                                   refused_flags const& refused = {}) {
    std::optional<std::string> file;
    parsed_options parsed;
    auto flags = knobs;
    std::string_view const part = "the command line";
    flags.push_back(knob_for(file, "config", part, "a YAML or JSON file of options; flags rule over it", "text"));
    flags.push_back(knob_for(parsed.print_config, "print_config", part,
                             "print every option, its value and where that came from, and end", "true or false"));
    if (asked_help(arguments)) return parse_flags(flags, description, arguments, refused), std::nullopt;
    error_lines errors;
    auto const path = flag_value(arguments, "config", "");
    auto const is_config = [](std::string const& word) { return word == "--config" || word.starts_with("--config="); };
    auto const files = std::count_if(arguments.begin(), arguments.end(), is_config);
    if (files > 1) errors.add("--config stands on the command line more than once: name one file");
    else if (files == 1 && path.empty() && flag_value(arguments, "config", "-").empty())
        errors.add("--config is empty: name a YAML or JSON file");
    else if (!path.empty())
        errors.gather([&] { parsed.given = detail::read_entries(knobs, read_config_file(path), refused, errors); });
    auto given = read_flags(flags, arguments, refused, errors);
    errors.refuse();
    given.erase("config");
    given.erase("print_config");
    for (auto& [name, value] : given) parsed.given.insert_or_assign(name, std::move(value));
    return parsed;
}

/// The text of `--print_config`: a line for each option, "learning_rate = 3e-06  (run.yaml:3)". Of several knobs of one
/// name the last counts: an algorithm's own, after the configuration's.
inline std::string options_text(std::vector<any_knob> const& knobs, given_flags const& given) {
    std::string text;
    std::map<std::string_view, any_knob const*> last;
    for (auto const& knob : knobs) last[knob.name] = &knob;
    for (auto const& first : knobs) {
        auto const of_name = last.extract(first.name);
        if (of_name.empty()) continue;
        auto const& knob = *of_name.mapped();
        auto const found = given.find(knob.name);
        auto const value = knob.text();
        text += fmt::format("{} = {}  ({})\n", knob.name, value,
                            found != given.end()         ? found->second.source
                            : value == knob.default_text ? "default"
                                                         : "chosen by the program");
    }
    return text;
}

/// Where the options that were given came from, {"seed": "flag", "kl_coef": "file", "sharding": "--deepspeed"}: the key
/// "provenance" of a run's config_ppo.json, which a configuration file may keep.
inline nlohmann::json provenance_json(given_flags const& given) {
    auto object = nlohmann::json::object();
    for (auto const& [name, value] : given)
        object[name] = value.source == "flag"           ? "flag"
                       : value.source.starts_with("--") ? value.source.substr(0, value.source.find(' '))
                                                        : "file";
    return object;
}

}  // namespace proximal::run
