// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <concepts>
#include <optional>
#include <proximal/compose/reflect.hpp>
#include <proximal/run/any_knob.hpp>
#include <proximal/run/config_json.hpp>
#include <proximal/run/idle_options.hpp>
#include <proximal/run/learning_rate_schedule.hpp>
#include <proximal/run/map_sharding.hpp>
#include <proximal/run/options.hpp>
#include <proximal/run/training_options.hpp>
#include <string>
#include <vector>

namespace proximal::run {

/// Reads a command line, and the configuration file that it names, into the configuration of a supervised run. `idle`:
/// fields that this program does not read, and why. Gives what was given, and nothing where the program ends: after
/// --help and --print_config.
/// Throws std::invalid_argument as parse_options does, for a flag that would do nothing in this run, and where a number
/// lies outside its range.
template <std::derived_from<training_options> Config>
std::optional<given_flags> read_training_command_line(Config& config, std::string const& about,
                                                      std::vector<std::string> const& arguments,
                                                      refused_flags const& idle = {}) {
    auto knobs = any_knobs(config);
    std::erase_if(knobs, [&](any_knob const& knob) { return idle.contains(knob.name); });
    auto options = parse_options(knobs, about, arguments, idle);
    if (!options) return std::nullopt;
    for (auto const& [name, value] : options->given)
        for (auto const& knob : knobs)
            if (knob.name == name) knob.read(value.text);
    map_given_sharding(config, options->given);
    validate(config);
    refuse_idle_training(options->given, config);
    configured_schedule(config, 1'000'000);  // its further numbers are right, or it says why not
    if (!options->print_config) return options->given;
    fmt::print("{}", options_text(knobs, options->given));
    return std::nullopt;
}

/// What a supervised run was told, as its folder keeps it, with where that came from.
template <std::derived_from<training_options> Config>
nlohmann::json training_record(Config const& config, given_flags const& given, refused_flags const& idle = {}) {
    auto record = to_json_object(config);
    for (auto const& [field, why] : idle) record.erase(field);
    record["provenance"] = provenance_json(given);
    return record;
}

}  // namespace proximal::run
