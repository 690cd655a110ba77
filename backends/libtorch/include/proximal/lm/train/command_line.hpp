// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <optional>
#include <proximal/lm/train/refuse_idle.hpp>
#include <proximal/lm/train/trainable.hpp>
#include <proximal/run/learning_rate_schedule.hpp>
#include <proximal/run/map_sharding.hpp>
#include <proximal/run/options.hpp>
#include <proximal/run/ppo_config.hpp>
#include <string>
#include <utility>
#include <vector>

namespace proximal::lm {

/// Flags of a program's own for what a command line leaves open, once it is known: {"--seed=1", ...}.
using settings_for = std::function<std::vector<std::string>(run::PPOv2Config const&)>;

/// Reads a command line, and the configuration file that it names, into a configuration and an algorithm: every field
/// and every knob is a flag. Of the algorithm
/// only what was given is changed: its other numbers are those it was composed with, except for lengths, which follow
/// --response_length. `settings` fill in what was not given, as far as the algorithm reads it. A loss without a
/// ratio, which is right for one step on a batch, makes one where nothing else was asked for.
/// `readers` tell who would read a flag that this algorithm does not.
/// Gives what was given, and nothing where the program ends: after --help and --print_config.
/// Throws std::invalid_argument as run::parse_options does, for a flag that would do nothing in this run, where a
/// number lies outside its range, and where the name of a part's knob is taken.
inline std::optional<run::given_flags> read_command_line(trainable& algorithm, run::PPOv2Config& config,
                                                         std::string const& about,
                                                         std::vector<std::string> const& arguments,
                                                         settings_for const& settings = {},
                                                         knob_readers const& readers = {}) {
    config.algorithm = run::option_value(arguments, "algorithm", config.algorithm);
    if (!algorithm.has_ratio()) config.num_ppo_epochs = config.num_mini_batches = 1;  // as --help shows
    algorithm.assume_response_length(static_cast<double>(config.response_length));
    auto const own = algorithm.knobs();
    run::refuse_taken_names(own, run::any_knobs(config), run::algorithm_fields);
    auto const idle = idle_fields(config.algorithm, own, readers);
    auto knobs = run::any_knobs(config);
    std::erase_if(knobs, [&](run::any_knob const& knob) { return idle.contains(knob.name); });
    knobs.insert(knobs.end(), own.begin(), own.end());
    auto options = run::parse_options(knobs, about, arguments, idle);
    if (!options) return std::nullopt;
    auto& given = options->given;

    auto const set = [&](std::string const& name, std::string const& text) {
        for (auto const& knob : knobs)
            if (knob.name == name) knob.read(text);
    };
    if (settings)
        for (auto const& setting : settings(config)) {
            auto const equals = setting.find('=');
            auto const name = setting.substr(2, equals - 2);
            if (!given.contains(name)) set(name, setting.substr(equals + 1));
        }
    if (!algorithm.has_ratio())
        for (auto const* const steps : {"num_ppo_epochs", "num_mini_batches"})
            if (!given.contains(steps)) set(steps, "1");
    algorithm.assume_response_length(static_cast<double>(config.response_length));
    for (auto const& [name, value] : given) set(name, value.text);  // what was given rules over what was assumed
    run::map_given_sharding(config, given);
    validate(config);
    algorithm.check();
    algorithm.check_response_length(static_cast<double>(config.response_length));
    refuse_idle(given, config, algorithm);
    run::configured_schedule(config, 1'000'000);  // its further numbers are right, or it says why not
    if (!options->print_config) return given;
    fmt::print("{}", run::options_text(knobs, given));
    return std::nullopt;
}

}  // namespace proximal::lm
