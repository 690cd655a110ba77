// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/run/interval_steps.hpp>
#include <proximal/run/trainer_callback.hpp>
#include <proximal/run/training_options.hpp>

namespace proximal::run {

/// The updates between evaluations: --eval_steps, or --logging_steps where it is not given, as in transformers.
inline double evaluation_steps(training_options const& config) {
    return config.eval_steps.value_or(config.logging_steps.value_or(500.0));
}

/// Asks for logs, evaluations and checkpoints as --logging_strategy, --eval_strategy and --save_strategy say.
///
/// By default the metrics of every update are logged, as TRL's trainer does whatever --logging_steps is by default;
/// nothing is evaluated; a checkpoint is written every 500 updates and after the last one.
/// Source: transformers 4.45, DefaultFlowCallback; a step is an update.
class default_flow final : public trainer_callback {
   public:
    explicit default_flow(training_options const& config) : config_(config) {}

    void on_step_end(trainer_state& state) override {
        auto const every = [&](double steps, char const* flag) {
            return state.update % interval_steps(steps, state.updates, flag) == 0;
        };
        bool const is_last = state.update >= state.updates;
        if (config_.logging_strategy == "steps")
            state.should_log |= !config_.logging_steps || every(*config_.logging_steps, "logging_steps");
        state.should_log |= config_.logging_first_step && state.update == 1;
        if (config_.eval_strategy == "steps")
            state.should_evaluate |= every(evaluation_steps(config_), "eval_steps") &&
                                     config_.eval_delay <= static_cast<double>(state.update);
        if (config_.save_strategy == "steps") state.should_save |= every(config_.save_steps, "save_steps");
        state.should_save |= is_last && config_.save_strategy != "no";
    }
    void on_epoch_end(trainer_state& state) override {
        state.should_log |= config_.logging_strategy == "epoch";
        state.should_evaluate |= config_.eval_strategy == "epoch" && config_.eval_delay <= state.epoch;
        state.should_save |= config_.save_strategy == "epoch";
    }

   private:
    training_options config_;
};

}  // namespace proximal::run
