// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <proximal/run/error_lines.hpp>
#include <proximal/run/flags.hpp>
#include <proximal/run/ppo_config.hpp>
#include <string>
#include <string_view>

namespace proximal::run {

namespace detail {
/// Gathers the options that were chosen and would do nothing, each with the place where it stands in a file.
class idle_refusals {
   public:
    explicit idle_refusals(given_flags const& given) : given_(given) {}
    void operator()(std::string_view option, bool is_idle, std::string_view because) {
        if (!is_idle || !is_chosen(given_, option)) return;
        auto const& source = given_.find(option)->second.source;
        auto const name = source == "flag" ? "--" + std::string(option) : source + ": " + std::string(option);
        errors.add(name + " would do nothing: " + std::string(because));
    }
    error_lines errors{};

   private:
    given_flags const& given_;
};

inline void look_for_idle_training(idle_refusals& idle, training_options const& config) {
    idle("num_train_epochs", config.max_steps > 0, "--max_steps says how long the run is; give one of them");
    bool const is_cold = config.lr_scheduler_type == "constant" || config.lr_scheduler_type == "reduce_lr_on_plateau";
    auto const no_warmup =
        "--lr_scheduler_type " + config.lr_scheduler_type + " has no warm-up; choose another, as constant_with_warmup";
    idle("warmup_steps", is_cold && config.warmup_steps > 0, no_warmup);
    idle("warmup_ratio", is_cold && config.warmup_ratio > 0.0, no_warmup);
    idle("warmup_ratio", config.warmup_steps > 0, "--warmup_steps rules over it; give one of them");
    bool const is_adam = config.optim.starts_with("adamw");
    for (auto const option : {"adam_beta1", "adam_beta2", "adam_epsilon"})
        idle(option, !is_adam, "it is AdamW's, and --optim is " + config.optim);

    // No rule for what processes split and how long they wait: it may be said of one process too, as a script that
    // starts a run is the same for one and for eight.

    bool const evaluates = config.eval_strategy != "no";
    auto const no_evaluation = "there are no evaluations; give --eval_strategy steps or epoch";
    idle("eval_steps", config.eval_steps && config.eval_strategy != "steps", "it needs --eval_strategy steps");
    idle("eval_delay", config.eval_delay > 0.0 && !evaluates, no_evaluation);
    idle("metric_for_best_model", config.metric_for_best_model && !evaluates, no_evaluation);
    idle("greater_is_better", config.greater_is_better && !evaluates, no_evaluation);
    idle("early_stopping_threshold", config.early_stopping_threshold > 0.0 && !config.early_stopping_patience,
         "it needs --early_stopping_patience");

    idle("logging_steps", config.logging_steps && config.logging_strategy != "steps",
         "--logging_strategy is " + config.logging_strategy + "; it needs steps");
    idle("logging_first_step", config.logging_first_step && config.logging_strategy == "no",
         "--logging_strategy no asks for no points");
    idle("save_steps", config.save_strategy != "steps",
         "--save_strategy is " + config.save_strategy + "; it needs steps");
    for (auto const option : {"save_total_limit", "save_only_model"})
        idle(option, config.save_strategy == "no" && (config.save_total_limit || config.save_only_model),
             "--save_strategy no asks for no checkpoints");
    idle("ignore_data_skip", config.ignore_data_skip && !config.resume_from_checkpoint,
         "there is no run to go on with; give --resume_from_checkpoint");
}
}  // namespace detail

/// Refuses options that were chosen and would do nothing beside the others, in any training run: std::invalid_argument
/// with the reasons, a line each. A configuration may have more of them, which it tells by `tell_idle(idle)`.
template <std::derived_from<training_options> Config>
void refuse_idle_training(given_flags const& given, Config const& config) {
    detail::idle_refusals idle(given);
    detail::look_for_idle_training(idle, config);
    if constexpr (requires { config.tell_idle(idle); }) config.tell_idle(idle);
    idle.errors.refuse();
}

/// The same of a PPO run.
inline void refuse_idle_options(given_flags const& given, PPOv2Config const& config) {
    detail::idle_refusals idle(given);
    idle("reward_timeout", !config.reward_command, "there is no --reward_command that it could wait for");
    idle("num_train_epochs", config.total_episodes.has_value() && is_chosen(given, "total_episodes"),
         "--total_episodes says how long the run is; give one of them");
    for (auto const option :
         {"dataset_train_split", "dataset_test_split", "query_format", "max_prompt_length", "dataset_num_proc"})
        idle(option, !config.dataset_name, "the data are made here; give --dataset_name");
    idle("eval_fraction", !config.dataset_name, "the data made here have held-out prompts; give --dataset_name");
    idle("per_device_eval_batch_size",
         config.num_sample_generations == 0 && config.eval_strategy == "no" && !config.eval_on_start,
         "--num_sample_generations 0 asks for no table of samples, and --eval_strategy no for no evaluation");
    if (is_chosen(given, "missing_eos_score") && is_chosen(given, "missing_eos_penalty"))
        idle.errors.add(
            "--missing_eos_score replaces the score of a response without EOS and --missing_eos_penalty is taken from "
            "it: give one of them");
    detail::look_for_idle_training(idle, config);
    idle.errors.refuse();
}

}  // namespace proximal::run
