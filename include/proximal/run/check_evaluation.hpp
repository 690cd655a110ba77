// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <proximal/run/default_flow.hpp>
#include <proximal/run/interval_steps.hpp>
#include <proximal/run/training_options.hpp>
#include <stdexcept>
#include <string>

namespace proximal::run {

/// Refuses what asks for evaluations that cannot be made in a run of so many updates: std::invalid_argument.
inline void check_evaluation(training_options const& config, bool has_data, std::int64_t updates) {
    auto const refuse = [](std::string const& why) { throw std::invalid_argument(why); };
    if ((config.eval_strategy != "no" || config.eval_on_start) && !has_data)
        refuse("--eval_strategy " + config.eval_strategy +
               " asks for evaluations, and there are no evaluation data: give data with a validation split, or "
               "--eval_fraction above 0");
    if (!config.load_best_model_at_end || config.eval_strategy != "steps") return;
    auto const evaluated = interval_steps(evaluation_steps(config), updates, "eval_steps");
    if (auto const saved = interval_steps(config.save_steps, updates, "save_steps"); saved % evaluated != 0)
        refuse("--load_best_model_at_end needs --save_steps to be a multiple of --eval_steps, and " +
               std::to_string(saved) + " is none of " + std::to_string(evaluated));
}

}  // namespace proximal::run
