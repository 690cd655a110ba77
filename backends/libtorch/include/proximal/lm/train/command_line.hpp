// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/lm/train/trainable.hpp>
#include <proximal/run/flags.hpp>
#include <proximal/run/ppo_config.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace proximal::lm {

/// Reads a command line into a configuration and an algorithm: every field and every knob is a flag. Of the algorithm
/// only what was given is changed: its other numbers are those it was composed with, except for lengths, which follow
/// --response_length. Gives whether the program goes on; it does not after --help.
/// Throws std::invalid_argument as run::parse_flags does, and where a knob lies outside its range.
inline bool read_command_line(trainable& algorithm, run::PPOv2Config& config, std::string const& about,
                              std::vector<std::string> const& arguments) {
    auto knobs = run::any_knobs(config);
    for (auto& knob : algorithm.knobs()) knobs.push_back(std::move(knob));
    if (!run::parse_flags(knobs, about, arguments)) return false;
    algorithm.assume_response_length(static_cast<double>(config.response_length));
    run::parse_flags(knobs, about, arguments);  // what was given rules over what was assumed
    algorithm.check();
    return true;
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

}  // namespace proximal::lm
