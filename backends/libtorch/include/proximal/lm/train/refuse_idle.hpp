// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <proximal/lm/train/trainable.hpp>
#include <proximal/run/config_json.hpp>
#include <proximal/run/flags.hpp>
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

/// Refuses options that were chosen and would do nothing beside the others: std::invalid_argument with the reason.
inline void refuse_idle(run::given_flags const& given, run::PPOv2Config const& config, trainable const& algorithm) {
    auto const idle = [&](char const* flag, bool is_idle, std::string const& because) {
        if (is_idle && run::is_chosen(given, flag))
            throw std::invalid_argument("--" + std::string(flag) + " would do nothing: " + because);
    };
    idle("reward_model_path", config.reward_command && !algorithm.needs_critic(),
         "--reward_command gives the rewards, and " + config.algorithm + " has no critic; leave one of them out");
    idle("reward_timeout", !config.reward_command, "there is no --reward_command that it could wait for");
    idle("num_train_epochs", config.total_episodes.has_value() && run::is_chosen(given, "total_episodes"),
         "--total_episodes says how long the run is; give one of them");
    idle("num_train_epochs", config.max_steps > 0, "--max_steps says how long the run is; give one of them");
    bool const is_cold = config.lr_scheduler_type == "constant" || config.lr_scheduler_type == "reduce_lr_on_plateau";
    auto const no_warmup =
        "--lr_scheduler_type " + config.lr_scheduler_type + " has no warm-up; choose another, as constant_with_warmup";
    idle("warmup_steps", is_cold && config.warmup_steps > 0, no_warmup);
    idle("warmup_ratio", is_cold && config.warmup_ratio > 0.0, no_warmup);
    idle("warmup_ratio", config.warmup_steps > 0, "--warmup_steps rules over it; give one of them");
    idle("per_device_eval_batch_size", config.num_sample_generations == 0,
         "--num_sample_generations 0 asks for no table of samples");
    idle("eval_fraction", !config.dataset_name, "the data made here have held-out prompts; give --dataset_name");
}

}  // namespace proximal::lm
