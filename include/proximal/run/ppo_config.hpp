// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <proximal/knob.hpp>
#include <string>
#include <string_view>

namespace proximal::run {

/// What a PPO run can be told, under TRL's names and with TRL's defaults (v0.11.4: PPOv2Config, the fields of
/// TrainingArguments that its trainer reads, and its script's arguments).
///
/// Each member is a command-line flag of its name (flags.hpp) and a key of the run's config_ppo.json. A field that
/// would not act is not here: an unknown flag is refused, never ignored.
/// Departure: `sft_model_path`, `reward_model_path` and `dataset_name` are empty by default: with none of the models
/// and no data given, the quick start makes its own.
struct PPOv2Config {
    // the algorithm
    std::int64_t num_ppo_epochs = 4;
    std::int64_t num_mini_batches = 1;
    std::optional<std::int64_t> total_episodes;
    double kl_coef = 0.05;
    double cliprange = 0.2;
    double cliprange_value = 0.2;
    double vf_coef = 0.1;
    double gamma = 1.0;
    double lam = 0.95;
    bool whiten_rewards = false;
    std::optional<double> missing_eos_penalty;
    // sampling
    double temperature = 0.7;
    std::int64_t response_length = 53;
    std::optional<std::string> stop_token;
    std::optional<std::int64_t> stop_token_id;
    std::int64_t local_rollout_forward_batch_size = 64;
    std::int64_t num_sample_generations = 10;
    // batches
    std::int64_t per_device_train_batch_size = 8;
    std::int64_t per_device_eval_batch_size = 8;
    std::int64_t gradient_accumulation_steps = 1;
    double num_train_epochs = 3.0;
    std::optional<std::int64_t> batch_size;
    std::optional<std::int64_t> mini_batch_size;
    // the optimizer
    double learning_rate = 5e-5;
    std::string lr_scheduler_type = "linear";
    double warmup_ratio = 0.0;
    std::int64_t warmup_steps = 0;
    double weight_decay = 0.0;
    double adam_beta1 = 0.9;
    double adam_beta2 = 0.999;
    double adam_epsilon = 1e-8;
    std::optional<double> max_grad_norm;
    // models and data
    std::optional<std::string> model_name_or_path;
    std::optional<std::string> sft_model_path;
    std::optional<std::string> reward_model_path;
    std::optional<std::string> dataset_name;
    double eval_fraction = 0.05;
    // the run
    std::string algorithm = "ppo";
    std::optional<std::string> reward_command;
    double reward_timeout = 600.0;
    std::string output_dir = "models/minimal/ppo";
    std::string exp_name = "ppov2_config";
    std::uint64_t seed = 42;
    bool use_cpu = false;
    std::string report_to = "tensorboard";
    bool disable_tqdm = false;

    static constexpr auto knobs = reflect(
        knob<"num_ppo_epochs">(&PPOv2Config::num_ppo_epochs, "passes over each batch of episodes", at_least(1)),
        knob<"num_mini_batches">(&PPOv2Config::num_mini_batches, "optimizer steps per pass", at_least(1)),
        knob<"total_episodes">(&PPOv2Config::total_episodes, "episodes to train on; default: num_train_epochs x data",
                               at_least(1)),
        knob<"kl_coef">(&PPOv2Config::kl_coef, "weight of the KL penalty in the reward", at_least(0)),
        knob<"cliprange">(&PPOv2Config::cliprange, "half-width of the ratio clip", above(0)),
        knob<"cliprange_value">(&PPOv2Config::cliprange_value, "half-width of the value clip", above(0)),
        knob<"vf_coef">(&PPOv2Config::vf_coef, "weight of the value loss", at_least(0)),
        knob<"gamma">(&PPOv2Config::gamma, "discount of later rewards", between(0, 1)),
        knob<"lam">(&PPOv2Config::lam, "lambda of generalised advantage estimation", between(0, 1)),
        knob<"whiten_rewards">(&PPOv2Config::whiten_rewards, "scale the rewards of a batch to variance 1"),
        knob<"missing_eos_penalty">(&PPOv2Config::missing_eos_penalty, "subtracted from the score when no EOS came"),
        knob<"temperature">(&PPOv2Config::temperature, "sampling temperature; also divides the training logits",
                            above(0)),
        knob<"response_length">(&PPOv2Config::response_length, "new tokens per episode, at most", at_least(1)),
        knob<"stop_token">(&PPOv2Config::stop_token, "\"eos\": a response ends at the tokenizer's EOS", {"eos"}),
        knob<"stop_token_id">(&PPOv2Config::stop_token_id, "a response ends at this token", at_least(0)),
        knob<"local_rollout_forward_batch_size">(&PPOv2Config::local_rollout_forward_batch_size,
                                                 "rows per forward pass without gradient", at_least(1)),
        knob<"num_sample_generations">(&PPOv2Config::num_sample_generations, "sample tables per run; 0: none",
                                       at_least(0)),
        knob<"per_device_train_batch_size">(&PPOv2Config::per_device_train_batch_size, "rows per micro-batch",
                                            at_least(1)),
        knob<"per_device_eval_batch_size">(&PPOv2Config::per_device_eval_batch_size, "rows of a sample table",
                                           at_least(1)),
        knob<"gradient_accumulation_steps">(&PPOv2Config::gradient_accumulation_steps, "micro-batches per mini-batch",
                                            at_least(1)),
        knob<"num_train_epochs">(&PPOv2Config::num_train_epochs, "passes over the data, if total_episodes is not given",
                                 above(0)),
        knob<"batch_size">(&PPOv2Config::batch_size, "episodes per update: derived; refused where it disagrees",
                           at_least(1)),
        knob<"mini_batch_size">(&PPOv2Config::mini_batch_size, "episodes per step: derived; refused where it disagrees",
                                at_least(1)),
        knob<"learning_rate">(&PPOv2Config::learning_rate, "AdamW's, at the start", at_least(0)),
        knob<"lr_scheduler_type">(&PPOv2Config::lr_scheduler_type, "how the rate falls",
                                  {"linear, cosine, constant, constant_with_warmup"}),
        knob<"warmup_ratio">(&PPOv2Config::warmup_ratio, "share of the updates in which the rate rises", between(0, 1)),
        knob<"warmup_steps">(&PPOv2Config::warmup_steps, "updates in which the rate rises; overrides warmup_ratio",
                             at_least(0)),
        knob<"weight_decay">(&PPOv2Config::weight_decay, "of weights; never of biases and norms", at_least(0)),
        knob<"adam_beta1">(&PPOv2Config::adam_beta1, "AdamW's beta 1", {0, 1, false, true}),
        knob<"adam_beta2">(&PPOv2Config::adam_beta2, "AdamW's beta 2", {0, 1, false, true}),
        knob<"adam_epsilon">(&PPOv2Config::adam_epsilon, "AdamW's epsilon", above(0)),
        knob<"max_grad_norm">(&PPOv2Config::max_grad_norm,
                              "gradients are scaled down to this norm; default: not at all", above(0)),
        knob<"model_name_or_path">(&PPOv2Config::model_name_or_path, "folder or Hub id of the tokenizer"),
        knob<"sft_model_path">(&PPOv2Config::sft_model_path, "folder or Hub id of policy and reference"),
        knob<"reward_model_path">(&PPOv2Config::reward_model_path, "folder or Hub id of reward model and critic"),
        knob<"dataset_name">(&PPOv2Config::dataset_name,
                             "JSON lines file, or a folder of train.jsonl [validation.jsonl]"),
        knob<"eval_fraction">(&PPOv2Config::eval_fraction, "share held out where the data name no validation split",
                              {0, 1, false, true}),
        knob<"algorithm">(&PPOv2Config::algorithm, "what trains; ppo is TRL's"),
        knob<"reward_command">(&PPOv2Config::reward_command, "a program that scores answers, in JSON lines"),
        knob<"reward_timeout">(&PPOv2Config::reward_timeout,
                               "seconds that the program may take for a batch, its start included", above(0)),
        knob<"output_dir">(&PPOv2Config::output_dir, "where the run is written"),
        knob<"exp_name">(&PPOv2Config::exp_name, "title of the plot"),
        knob<"seed">(&PPOv2Config::seed, "of data order, sampling and permutations"),
        knob<"use_cpu">(&PPOv2Config::use_cpu, "stay on the CPU where there is a GPU"),
        knob<"report_to">(&PPOv2Config::report_to, "where curves go; metrics.jsonl is always written",
                          {"tensorboard, none"}),
        knob<"disable_tqdm">(&PPOv2Config::disable_tqdm, "draw no progress bar"));
};

/// The fields that are numbers of parts: stock_ppo's, and of another algorithm's those that it has a knob of.
inline constexpr std::array<std::string_view, 8> algorithm_fields{
    "kl_coef", "cliprange", "cliprange_value", "vf_coef", "gamma", "lam", "whiten_rewards", "missing_eos_penalty"};

}  // namespace proximal::run
