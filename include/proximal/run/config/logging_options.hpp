// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <proximal/knob.hpp>
#include <string>
#include <string_view>

namespace proximal::run {

/// What is said about a run, where and how often. metrics.jsonl has every update whatever these say.
struct logging_options {
    std::string report_to = "tensorboard";
    std::string logging_strategy = "steps";
    std::optional<double> logging_steps;
    bool logging_first_step = false;
    bool include_tokens_per_second = false;
    std::string log_level = "passive";
    bool disable_tqdm = false;
    std::int64_t num_sample_generations = 10;
    std::string exp_name = "ppov2_config";
    std::optional<std::string> run_name;
    bool doctor = true;

    static constexpr std::string_view concern = "logging";
    static constexpr auto knobs = reflect(
        knob<"report_to">(&logging_options::report_to,
                          "where curves go: tensorboard, csv, all, none; jsonl is always there"),
        knob<"logging_strategy">(&logging_options::logging_strategy, "when curves get a point", {"no, steps, epoch"},
                                 "TRL's PPO trainer logs every update whatever this says."),
        knob<"logging_steps">(&logging_options::logging_steps,
                              "updates between points; below 1: a share of the run; default: every update", above(0),
                              "TRL's default is 500, and its PPO trainer ignores it: it logs every update. Here a "
                              "number that is given acts."),
        knob<"logging_first_step">(&logging_options::logging_first_step, "the first update has a point too", {},
                                   "TRL's PPO trainer logs every update whatever this says."),
        knob<"include_tokens_per_second">(&logging_options::include_tokens_per_second, "measure tokens per second", {},
                                          "TRL's PPO trainer ignores it."),
        knob<"log_level">(&logging_options::log_level, "how much is said on the terminal",
                          {"debug, info, warning, error, critical, passive"}, "passive is info here."),
        knob<"disable_tqdm">(&logging_options::disable_tqdm, "draw no progress bar"),
        knob<"num_sample_generations">(&logging_options::num_sample_generations, "sample tables per run; 0: none",
                                       at_least(0)),
        knob<"exp_name">(&logging_options::exp_name, "title of the plot"),
        knob<"run_name">(&logging_options::run_name, "name of the run in reports; default: exp_name, seed and time", {},
                         "TRL overwrites what is given."),
        knob<"doctor">(&logging_options::doctor, "name the symptoms of a run that goes wrong, and the cure", {},
                       "Not of TRL."));
};

}  // namespace proximal::run
