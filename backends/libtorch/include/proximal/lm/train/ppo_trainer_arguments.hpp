// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <proximal/lm/distributed/communicator.hpp>
#include <proximal/lm/model/causal_lm.hpp>
#include <proximal/lm/model/sequence_classifier.hpp>
#include <proximal/lm/reward/reward_function.hpp>
#include <proximal/lm/train/configured_optimizer.hpp>
#include <proximal/run/learning_rate_schedule.hpp>
#include <proximal/run/ppo_config.hpp>
#include <proximal/run/trainer_callback.hpp>
#include <proximal/text/prompt_dataset.hpp>
#include <proximal/text/tokenizer.hpp>
#include <string>
#include <vector>

namespace proximal::lm {

/// Prompts, as tokens.
using prompt_list = std::vector<std::vector<std::int64_t>>;

/// The prompts of one batch, and the data's lines that they come from: as many, or none.
struct prompt_batch {
    prompt_list prompts;
    std::vector<nlohmann::json> records{};
};

/// Turns the prompts drawn from a data set into those of a batch, one for one: to cut, to add a suffix. By default they
/// stay as they are. Called before a prompt is repeated for its group, which so answers one and the same.
using data_collator = std::function<prompt_list(prompt_list)>;

/// An optimizer and its schedule, in place of AdamW and of the configured one. Either may be left out.
struct optimizer_choice {
    std::shared_ptr<lm::optimizer> optimizer{};
    run::learning_rate_schedule schedule{};
};

/// What TRL's PPOv2Trainer takes, in its order and under its names.
struct ppo_trainer_arguments {
    run::PPOv2Config config;
    text::tokenizer tokenizer;
    causal_lm policy;                     // trained in place
    std::optional<causal_lm> ref_policy;  // a model of its own; none where the algorithm reads no reference
    reward_function reward_model;         // model_reward(...), text_reward(...), or any callable
    text::prompt_dataset train_dataset;
    std::optional<sequence_classifier> value_model{};  // trained in place; none where the algorithm reads no value
    data_collator collator{};
    text::prompt_dataset eval_dataset{};  // empty: no sample tables
    optimizer_choice optimizers{};
    run::callback_list callbacks{};
    std::shared_ptr<communicator> world = std::make_shared<single_process>();
};

/// What a run moves: the policy's and the critic's parameters that require a gradient, which they do once a trainer was
/// made, or begin_training(model) was called; named "policy.NAME" and "value_model.NAME".
inline std::vector<named_tensor> learning_parameters(ppo_trainer_arguments const& given) {
    std::vector<named_tensor> parameters;
    auto const add = [&](std::vector<named_tensor> of_model, std::string const& model) {
        for (auto& parameter : of_model) {
            parameter.name = model + parameter.name;
            parameters.push_back(std::move(parameter));
        }
    };
    add(given.policy.trainable_parameters(), "policy.");
    if (given.value_model) add(given.value_model->trainable_parameters(), "value_model.");
    return parameters;
}

/// The optimizer of a PPO run, over the policy's and the critic's trainable parameters: one for both, as in TRL. Their
/// names get the model in front, "policy." or "value_model.".
inline std::shared_ptr<optimizer> configured_optimizer(ppo_trainer_arguments const& given, parameter_units units = {}) {
    return configured_optimizer(given.config, learning_parameters(given), given.world, std::move(units));
}

}  // namespace proximal::lm
