// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <proximal/lm/train/trainable.hpp>
#include <proximal/run/config_json.hpp>
#include <proximal/run/flags.hpp>
#include <proximal/run/idle_options.hpp>
#include <proximal/run/options.hpp>
#include <proximal/run/ppo_config.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace proximal::lm {

/// The algorithms of a program that have a knob of a name: {"group_size", "rloo, grpo"}.
using knob_readers = std::map<std::string, std::string, std::less<>>;

/// The numbers of a configuration, and of the program's other algorithms, that no part of an algorithm reads, and why
/// they may not be given.
inline run::refused_flags idle_fields(std::string const& algorithm, std::vector<run::any_knob> const& knobs,
                                      knob_readers const& readers = {}) {
    run::refused_flags idle;
    run::PPOv2Config untouched;
    auto const defaults = run::any_knobs(untouched);
    auto const look = [&](std::string_view name) {
        if (std::any_of(knobs.begin(), knobs.end(), [&](run::any_knob const& k) { return k.name == name; })) return;
        auto const others = readers.find(name);
        auto const field =
            std::find_if(defaults.begin(), defaults.end(), [&](run::any_knob const& k) { return k.name == name; });
        idle.emplace(name, run::refused_flag{
                               "no part of " + algorithm + " reads it; " +
                                   (others == readers.end() ? "--algorithm " + algorithm + " --help lists what acts"
                                                            : "of the other algorithms " + others->second + " would"),
                               field == defaults.end() ? "" : field->default_text});
    };
    for (auto const name : run::algorithm_fields) look(name);
    for (auto const& [name, others] : readers) look(name);
    return idle;
}

/// What a run was told, as its config_ppo.json keeps it: a key per field and knob that acts, and under "provenance"
/// where those that were given came from.
inline nlohmann::json run_record(run::PPOv2Config const& config, trainable algorithm,
                                 run::given_flags const& given = {}) {
    auto record = run::to_json_object(config);
    auto const knobs = algorithm.knobs();
    for (auto const& [field, why] : idle_fields(config.algorithm, knobs)) record.erase(field);
    record.update(run::knobs_json(knobs));
    record["provenance"] = run::provenance_json(given);
    return record;
}

/// Refuses options that were chosen and would do nothing beside the others, or in this algorithm: std::invalid_argument
/// with the reason.
inline void refuse_idle(run::given_flags const& given, run::PPOv2Config const& config, trainable const& algorithm) {
    if (config.reward_command && !algorithm.needs_critic() && run::is_chosen(given, "reward_model_path"))
        throw std::invalid_argument("--reward_model_path would do nothing: --reward_command gives the rewards, and " +
                                    config.algorithm + " has no critic; leave one of them out");
    run::refuse_idle_options(given, config);
}

}  // namespace proximal::lm
