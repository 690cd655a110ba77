// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <proximal/io/hub.hpp>
#include <proximal/lm/model/load_model.hpp>
#include <proximal/lm/model/make_model.hpp>
#include <proximal/lm/reward/command_reward.hpp>
#include <proximal/lm/reward/model_reward.hpp>
#include <proximal/lm/train/ppo_trainer_arguments.hpp>
#include <proximal/lm/train/trainable.hpp>
#include <proximal/run/ppo_config.hpp>
#include <proximal/run/progress_bar.hpp>
#include <string>
#include <utility>

namespace proximal::lm {

/// The models, the reward and the data of a run.
struct run_inputs {
    text::tokenizer tokenizer;
    causal_lm policy;
    std::optional<causal_lm> reference{};         // none where the algorithm reads none
    std::optional<sequence_classifier> critic{};  // the same
    reward_function reward{};
    text::prompt_dataset train{}, eval{};
};

/// What is used where --model_name_or_path, --sft_model_path or --reward_model_path are left out.
inline constexpr char const* default_model = "EleutherAI/pythia-160m";

/// The reward that --reward_command names.
inline reward_function configured_command(run::PPOv2Config const& config) {
    fmt::print("reward     {}\n", *config.reward_command);
    return command_reward(*config.reward_command, std::chrono::duration<double>(config.reward_timeout));
}

/// The data that --dataset_name names, with progress.
inline text::prompt_split configured_data(run::PPOv2Config const& config, text::tokenizer const& tokenizer) {
    run::progress_bar bar("tokenizing", 1000, !config.disable_tqdm);
    auto splits = text::load_prompt_split(
        *config.dataset_name, tokenizer, config.eval_fraction, config.seed, [&](std::size_t done, std::size_t total) {
            bar.show(static_cast<std::int64_t>(1000 * done / std::max<std::size_t>(1, total)));
        });
    bar.finish();
    return splits;
}

/// The models and the reward that a configuration names, as far as an algorithm reads them, in float32; says on stdout
/// what was taken. The data are left empty where none are named.
inline run_inputs configured_inputs(run::PPOv2Config const& config, at::Device device, trainable const& algorithm) {
    auto const sft = io::resolve_model(config.sft_model_path.value_or(default_model));
    auto const tokenizer_path =
        io::resolve_model(config.model_name_or_path.value_or(config.sft_model_path.value_or(default_model)));
    run_inputs inputs{.tokenizer = text::tokenizer::load(tokenizer_path),
                      .policy = load_causal_lm(sft, at::kFloat, device)};
    auto& tokenizer = inputs.tokenizer;
    if (!tokenizer.pad_token_id() || tokenizer.pad_token_id() == tokenizer.eos_token_id())
        tokenizer.add_pad_token("[PAD]");
    if (algorithm.needs_reference()) inputs.reference = clone(inputs.policy);
    fmt::print("policy     {}\n", sft.string());
    if (config.reward_command) inputs.reward = configured_command(config);
    if (!config.reward_command || algorithm.needs_critic()) {
        auto const path = io::resolve_model(config.reward_model_path.value_or(default_model));
        bool head_was_made = false;
        auto const model = load_sequence_classifier(path, at::kFloat, device, config.seed, &head_was_made);
        if (head_was_made)
            fmt::print(stderr,
                       "note: {} has no score head; one was drawn at random, so its scores mean nothing until it is "
                       "trained\n",
                       path.string());
        if (algorithm.needs_critic()) inputs.critic = config.reward_command ? model : clone(model);
        if (!config.reward_command) {
            inputs.reward = model_reward(model, config.local_rollout_forward_batch_size);
            fmt::print("reward     {}\n", path.string());
        }
    }
    if (config.dataset_name) {
        auto splits = configured_data(config, tokenizer);
        inputs.train = std::move(splits.train);
        inputs.eval = std::move(splits.eval);
    }
    return inputs;
}

/// A trainer's arguments from a configuration and what it named.
inline ppo_trainer_arguments arguments_of(run::PPOv2Config const& config, run_inputs const& inputs,
                                          run::callback_list callbacks) {
    return {.config = config,
            .tokenizer = inputs.tokenizer,
            .policy = inputs.policy,
            .ref_policy = inputs.reference,
            .reward_model = inputs.reward,
            .train_dataset = inputs.train,
            .value_model = inputs.critic,
            .eval_dataset = inputs.eval,
            .callbacks = std::move(callbacks)};
}

}  // namespace proximal::lm
