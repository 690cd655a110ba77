// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <boost/hana/flatten.hpp>
#include <boost/hana/tuple.hpp>
#include <proximal/run/config/algorithm_options.hpp>
#include <proximal/run/config/data_options.hpp>
#include <proximal/run/config/episode_options.hpp>
#include <proximal/run/config/model_options.hpp>
#include <proximal/run/config/sampling_options.hpp>
#include <proximal/run/training_options.hpp>
#include <string_view>

namespace proximal::run {

/// What a PPO run can be told, under TRL's names and with TRL's defaults (v0.11.4: PPOv2Config, with the fields of
/// transformers 4.45.2's TrainingArguments that it inherits, and its script's arguments), a base for each concern.
///
/// Each member is a command-line flag of its name (flags.hpp), a key of a configuration file (read_options.hpp) and a
/// key of the run's config_ppo.json. A field of TRL's that would not act is not here but in refused_fields.hpp.
/// Departures: `sft_model_path`, `reward_model_path` and `dataset_name` are empty by default: with none of the models
/// and no data given, the quick start makes its own. `max_grad_norm` and `logging_steps`, whose defaults TRL's trainer
/// ignores, are not set.
struct PPOv2Config : algorithm_options,
                     sampling_options,
                     episode_options,
                     model_options,
                     data_options,
                     training_options {
    static constexpr auto knobs = boost::hana::flatten(
        boost::hana::make_tuple(algorithm_options::knobs, sampling_options::knobs, episode_options::knobs,
                                model_options::knobs, data_options::knobs, training_options::knobs));
    using training_options::check_knobs;
};

/// The fields that are numbers of parts: stock_ppo's, and of another algorithm's those that it has a knob of.
inline constexpr std::array<std::string_view, 8> algorithm_fields{
    "kl_coef", "cliprange", "cliprange_value", "vf_coef", "gamma", "lam", "whiten_rewards", "missing_eos_penalty"};

}  // namespace proximal::run
