// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <proximal/lm/model/causal_lm.hpp>
#include <proximal/lm/model/sequence_classifier.hpp>
#include <proximal/lm/train/predict.hpp>
#include <proximal/run/ppo_config.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace proximal::lm {

/// What a run will hold in memory, in bytes, before it starts.
struct memory_plan {
    double weights = 0.0;      // policy, reference, critic, reward model
    double gradients = 0.0;    // of what learns
    double optimizer = 0.0;    // its moments
    double activations = 0.0;  // of a micro-batch of the longest prompts, policy and critic, until backward has run
    double logits = 0.0;       // the rows that are there at a time, and their gradient
    double generation = 0.0;   // the cache of keys and values, and a step's logits
    double program = 0.0;      // the program and LibTorch

    /// The most at a time: updating and generating take turns.
    double peak() const {
        return program + weights + optimizer + std::max(gradients + activations + logits, generation);
    }
    /// A line: "weights 84 MB, gradients 42, ... : 510 MB at the most".
    std::string text() const {
        auto const mb = [](double bytes) { return fmt::format("{:.0f}", bytes / 1e6); };
        return fmt::format(
            "weights {} MB, gradients {}, optimizer {}, activations {}, logits {}, generation {}: {} MB at the most",
            mb(weights), mb(gradients), mb(optimizer), mb(activations), mb(logits), mb(generation), mb(peak()));
    }
};

/// The models of a run, as far as a plan needs them; those that are not there are null.
struct planned_models {
    causal_lm const* policy = nullptr;
    causal_lm const* reference = nullptr;
    sequence_classifier const* critic = nullptr;
    std::vector<sequence_classifier> rewards{};
};

namespace detail {
inline double bytes_of(std::vector<named_tensor> const& parameters) {
    double bytes = 0.0;
    for (auto const& parameter : parameters) bytes += static_cast<double>(parameter.tensor.nbytes());
    return bytes;
}
/// Numbers that autograd keeps of a token in a layer, in units of the hidden size: the inputs of two norms and four
/// products, queries, keys and values in attention's grid, the activation's input and output.
inline constexpr double kept_of_a_layer = 20.0;
}  // namespace detail

/// What a run will need: exact for weights, gradients and moments; activations are counted by what autograd keeps of a
/// GPT-NeoX layer, for a micro-batch of prompts of `longest_prompt` tokens.
inline memory_plan plan_memory(run::PPOv2Config const& config, planned_models const& models,
                               std::int64_t longest_prompt) {
    memory_plan plan{.program = 150e6};
    auto const& body = *models.policy->body;
    double const number = static_cast<double>(models.policy->lm_head.element_size());
    double const hidden = static_cast<double>(body.hidden_size()), layers = static_cast<double>(body.layer_count());
    double const vocabulary = static_cast<double>(models.policy->lm_head.size(0));
    double learning = detail::bytes_of(models.policy->parameters());
    if (models.critic != nullptr) learning += detail::bytes_of(models.critic->parameters());
    plan.weights = plan.gradients = learning;
    if (models.reference != nullptr) plan.weights += detail::bytes_of(models.reference->parameters());
    for (auto const& reward : models.rewards) plan.weights += detail::bytes_of(reward.parameters());
    std::string_view const optim = config.optim;
    plan.optimizer = optim.starts_with("adamw")                 ? 2.0 * learning
                     : optim == "adagrad" || optim == "rmsprop" ? learning
                                                                : 0.0;
    double const row = static_cast<double>(longest_prompt + config.response_length);
    double const tokens = static_cast<double>(config.per_device_train_batch_size) * row;
    double const layer = tokens * hidden * number * detail::kept_of_a_layer;
    plan.activations = (config.gradient_checkpointing ? layers * tokens * hidden * number + layer : layers * layer) *
                       (models.critic != nullptr ? 2.0 : 1.0);
    double const responses = static_cast<double>(config.per_device_train_batch_size * config.response_length);
    double const rows =
        std::min(responses, static_cast<double>(logits_rows(config.logits_memory_mb, models.policy->lm_head)));
    plan.logits = rows * vocabulary * number;
    double const batch = static_cast<double>(
        std::min(config.local_rollout_forward_batch_size,
                 config.per_device_train_batch_size * config.gradient_accumulation_steps * config.num_mini_batches));
    plan.generation = batch * (2.0 * layers * row * hidden + 3.0 * vocabulary) * number;
    return plan;
}

}  // namespace proximal::lm
