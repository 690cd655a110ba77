// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <proximal/lm/model/load_model.hpp>
#include <proximal/lm/model/make_model.hpp>
#include <proximal/lm/reward/text_reward.hpp>
#include <proximal/lm/train/run_inputs.hpp>
#include <proximal/run/ppo_config.hpp>
#include <string>
#include <vector>

#include "../data_formats.hpp"
#include "make_models.hpp"

namespace proximal::quickstart {

/// Whether a command line names neither models nor data: then the quick start makes its own.
inline bool names_nothing(run::PPOv2Config const& config) {
    return !config.model_name_or_path && !config.sft_model_path && !config.reward_model_path && !config.dataset_name;
}

/// The quick start's own settings, where the command line names neither models nor data: small batches, steps large
/// enough for a small model, and a run of about a minute on two cores.
inline std::vector<std::string> settings_for(run::PPOv2Config const& config) {
    if (!names_nothing(config)) return {};
    return {"--output_dir=models/quickstart/ppo",
            "--exp_name=quickstart",
            "--per_device_train_batch_size=32",
            "--num_mini_batches=2",
            "--num_ppo_epochs=2",
            "--total_episodes=2304",
            "--learning_rate=3e-4",
            "--response_length=" + std::to_string(response_tokens),
            "--stop_token=eos",
            "--missing_eos_penalty=1.0",
            "--num_sample_generations=0"};  // the table before and after says more
}

/// Models and data of a run that names none: everything is made on this machine.
inline lm::run_inputs own_inputs(run::PPOv2Config const& config, at::Device device, lm::trainable const& algorithm) {
    auto const own = make_or_load();
    auto const tokenizer = text::tokenizer::load(own.model);
    lm::run_inputs inputs{.tokenizer = tokenizer, .policy = lm::load_causal_lm(own.model, at::kFloat, device)};
    if (config.reward_command) {
        inputs.reward = lm::configured_command(config);
    } else {
        fmt::print(
            "reward     a known rule: +1 for each known word (at most 6), -1 for each unknown or repeated one\n");
        inputs.reward = lm::text_reward(
            [rule = own.rule](std::string const&, std::string const& response) { return rule(response); });
    }
    if (algorithm.needs_reference()) inputs.reference = lm::clone(inputs.policy);
    if (algorithm.needs_critic())
        inputs.critic = lm::make_sequence_classifier(*inputs.policy.body, inputs.policy.config, config.seed);
    inputs.train = prompts_of(own.texts.train, tokenizer);
    inputs.eval = prompts_of(own.texts.validation, tokenizer);
    return inputs;
}

/// Models that a command line names; where it names no data, prompts from text on this machine.
inline lm::run_inputs named_inputs(run::PPOv2Config const& config, at::Device device, lm::trainable const& algorithm) {
    auto inputs = lm::configured_inputs(config, device, algorithm, examples::data_formats());
    if (config.dataset_name) return inputs;
    auto const texts = load_or_make_corpus(cache_folder());
    fmt::print("text       {}\n", texts.origin);
    inputs.train = prompts_of(texts.train, inputs.tokenizer);
    inputs.eval = prompts_of(texts.validation, inputs.tokenizer);
    return inputs;
}

}  // namespace proximal::quickstart
