// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <boost/hana/flatten.hpp>
#include <boost/hana/tuple.hpp>
#include <proximal/run/config/algorithm_options.hpp>
#include <proximal/run/config/batch_options.hpp>
#include <proximal/run/config/data_options.hpp>
#include <proximal/run/config/device_options.hpp>
#include <proximal/run/config/evaluation_options.hpp>
#include <proximal/run/config/logging_options.hpp>
#include <proximal/run/config/model_options.hpp>
#include <proximal/run/config/optimizer_options.hpp>
#include <proximal/run/config/run_options.hpp>
#include <proximal/run/config/sampling_options.hpp>
#include <proximal/run/config/saving_options.hpp>
#include <proximal/run/config/schedule_options.hpp>
#include <stdexcept>
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
                     batch_options,
                     optimizer_options,
                     schedule_options,
                     model_options,
                     data_options,
                     logging_options,
                     saving_options,
                     evaluation_options,
                     device_options,
                     run_options {
    static constexpr auto knobs = boost::hana::flatten(boost::hana::make_tuple(
        algorithm_options::knobs, sampling_options::knobs, batch_options::knobs, optimizer_options::knobs,
        schedule_options::knobs, model_options::knobs, data_options::knobs, logging_options::knobs,
        saving_options::knobs, evaluation_options::knobs, device_options::knobs, run_options::knobs));

    /// Throws std::invalid_argument where fields contradict each other (see validate).
    void check_knobs() const {
        auto const refuse = [](char const* why) { throw std::invalid_argument(why); };
        if (bf16 && fp16) refuse("--bf16 and --fp16 exclude each other: give one");
        if (max_steps == 0)
            refuse("--max_steps is 0: it must be at least 1, or -1 for as long as --total_episodes says");
        if (eval_strategy == "no") {
            if (load_best_model_at_end)
                refuse("--load_best_model_at_end needs evaluations: give --eval_strategy steps or epoch");
            if (early_stopping_patience)
                refuse("--early_stopping_patience needs evaluations: give --eval_strategy steps or epoch");
            if (lr_scheduler_type == "reduce_lr_on_plateau")
                refuse(
                    "--lr_scheduler_type reduce_lr_on_plateau needs evaluations: give --eval_strategy steps or epoch");
        } else if (load_best_model_at_end && save_strategy != eval_strategy) {
            refuse(
                "--load_best_model_at_end needs a checkpoint at each evaluation: give --save_strategy as "
                "--eval_strategy");
        }
    }
};

/// The fields that are numbers of parts: stock_ppo's, and of another algorithm's those that it has a knob of.
inline constexpr std::array<std::string_view, 8> algorithm_fields{
    "kl_coef", "cliprange", "cliprange_value", "vf_coef", "gamma", "lam", "whiten_rewards", "missing_eos_penalty"};

}  // namespace proximal::run
