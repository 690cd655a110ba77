// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/lm/model/make_model.hpp>
#include <proximal/lm/reward/text_reward.hpp>
#include <proximal/lm/train/ppo_trainer_arguments.hpp>
#include <proximal/text/bpe_trainer.hpp>
#include <string>
#include <vector>

#include "tiny_model.hpp"

namespace support {

inline proximal::text::tokenizer const& words() {
    static proximal::text::tokenizer const made =
        proximal::text::train_bpe(std::vector<std::string>{"the cat sat on the mat"}, {.vocabulary_size = 262});
    return made;
}

inline nlohmann::json config_for_words() {
    auto config = tiny_config();
    config["vocab_size"] = words().size();
    config["max_position_embeddings"] = 64;
    return config;
}

inline proximal::run::PPOv2Config small_config() {
    proximal::run::PPOv2Config config;
    config.per_device_train_batch_size = 4;
    config.gradient_accumulation_steps = 2;
    config.num_mini_batches = 2;
    config.num_ppo_epochs = 2;
    config.total_episodes = 32;
    config.response_length = 5;
    config.stop_token = "eos";
    config.learning_rate = 1e-3;
    config.num_sample_generations = 2;
    config.per_device_eval_batch_size = 3;
    config.local_rollout_forward_batch_size = 5;
    config.save_strategy = "no";
    return config;
}

inline proximal::lm::ppo_trainer_arguments arguments(proximal::run::PPOv2Config const& config) {
    auto const policy = tiny_model(config_for_words());
    proximal::text::prompt_dataset data;
    for (int i = 0; i < 20; ++i)
        data.prompts.push_back(
            words().encode(std::string(static_cast<std::size_t>(1 + i % 7), static_cast<char>('a' + i))));
    proximal::lm::ppo_trainer_arguments given{
        .config = config,
        .tokenizer = words(),
        .policy = policy,
        .ref_policy = proximal::lm::clone(policy),
        .reward_model = proximal::lm::text_reward(
            [](std::string const&, std::string const& r) { return r.empty() ? 0.0 : double(r[0]) / 64.0; }),
        .train_dataset = data};
    given.value_model = proximal::lm::make_sequence_classifier(*policy.body, policy.config, 9);
    given.eval_dataset = data;
    return given;
}

}  // namespace support
