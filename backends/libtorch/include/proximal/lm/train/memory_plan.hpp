// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <proximal/lm/model/backbone.hpp>
#include <proximal/lm/model/causal_lm.hpp>
#include <proximal/lm/model/layer_of.hpp>
#include <proximal/lm/model/sequence_classifier.hpp>
#include <proximal/lm/train/predict.hpp>
#include <proximal/lm/train/set_precision.hpp>
#include <proximal/run/ppo_config.hpp>
#include <proximal/run/sharding_plan.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace proximal::lm {

/// What a process of a run will hold in memory, in bytes, before it starts.
struct memory_plan {
    double weights = 0.0;      // policy, reference, critic, reward model
    double gradients = 0.0;    // of what learns
    double optimizer = 0.0;    // its moments
    double activations = 0.0;  // of a micro-batch of the longest prompts, policy and critic, until backward has run
    double logits = 0.0;       // the rows that are there at a time, and their gradient
    double generation = 0.0;   // the cache of keys and values, and a step's logits
    double gathered = 0.0;     // with --sharding zero3: layers that are whole while they learn
    double generating = 0.0;   // and while models generate, are evaluated or saved; and what comes from the host
    double program = 0.0;      // the program and LibTorch

    /// The most at a time: updating and generating take turns.
    double peak() const {
        return program + weights + optimizer +
               std::max(gradients + activations + logits + gathered, generation + generating);
    }
    /// A line: "weights 84 MB, gradients 42, ... : 510 MB at the most".
    std::string text() const {
        auto const mb = [](double bytes) { return fmt::format("{:.0f}", bytes / 1e6); };
        auto const whole =
            generating > 0.0 ? fmt::format(", gathered {}", mb(std::max(gathered, generating))) : std::string();
        return fmt::format(
            "weights {} MB, gradients {}, optimizer {}, activations {}, logits {}, generation {}{}: {} MB at the most",
            mb(weights), mb(gradients), mb(optimizer), mb(activations), mb(logits), mb(generation), whole, mb(peak()));
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
/// Numbers that autograd keeps of a token in a layer, in units of the hidden size: the inputs of two norms, in the
/// weights' dtype; and what matrices are multiplied with: four products' inputs, queries, keys and values in
/// attention's grid, the activation's input and output.
inline constexpr double kept_of_norms = 2.0, kept_of_products = 18.0;

/// A model as --sharding cuts it, of as many bytes. Layers alike.
inline run::sharded_model to_cut(std::vector<named_tensor> const& parameters, backbone const& body) {
    run::sharded_model model{.layers = static_cast<std::int64_t>(body.layer_count())};
    std::int64_t all = 0;
    for (auto const& parameter : parameters) {
        all += parameter.tensor.numel();
        if (layer_of(parameter.name).value_or(1) == 0) model.layer_parameters += parameter.tensor.numel();
    }
    model.root_parameters = all - model.layers * model.layer_parameters;
    model.bytes = static_cast<std::int64_t>(parameters.front().tensor.element_size());
    return model;
}
}  // namespace detail

/// What each of `processes` will need: exact for weights, gradients and moments, with --sharding by run::plan_sharding;
/// activations are counted by what autograd keeps of a GPT-NeoX layer, for a micro-batch of prompts of `longest_prompt`
/// tokens, with --bf16 and --fp16 in 16 bits, and the matrices' narrow copies with them.
inline memory_plan plan_memory(run::PPOv2Config const& config, planned_models const& models,
                               std::int64_t longest_prompt, std::int64_t processes = 1) {
    memory_plan plan{.program = 150e6};
    auto const& body = *models.policy->body;
    double const number = static_cast<double>(models.policy->lm_head.element_size());
    double const narrow = compute_dtype(config) ? 2.0 : number;  // bytes of what matrices are multiplied in
    double const hidden = static_cast<double>(body.hidden_size()), layers = static_cast<double>(body.layer_count());
    double const vocabulary = static_cast<double>(models.policy->lm_head.size(0));
    std::string_view const optim = config.optim;
    std::int64_t const moments = optim.starts_with("adamw") ? 2 : optim == "adagrad" || optim == "rmsprop" ? 1 : 0;
    run::sharding_inputs cut;
    cut.world_size = processes;
    cut.sharding = config.sharding;
    cut.optimizer_bytes = config.offload_optimizer ? 0 : moments * static_cast<std::int64_t>(number);
    auto policy = detail::to_cut(models.policy->parameters(), body);
    policy.generates = true;
    cut.models.push_back(policy);
    if (models.critic != nullptr)
        cut.models.push_back(detail::to_cut(models.critic->parameters(), *models.critic->body));
    double learning = 0.0;  // of layers
    for (auto const& model : cut.models) learning += static_cast<double>(model.layers * model.layer_parameters);
    if (models.reference != nullptr) {
        cut.models.push_back(detail::to_cut(models.reference->parameters(), *models.reference->body));
        cut.models.back().learns = false;
    }
    for (auto const& reward : models.rewards) {
        cut.models.push_back(detail::to_cut(reward.parameters(), *reward.body));
        cut.models.back().learns = cut.models.back().cuts_layers = false;
    }
    auto const held = run::plan_sharding(cut);
    plan.weights = static_cast<double>(held.weights);
    plan.gradients = static_cast<double>(held.gradients);
    plan.optimizer = static_cast<double>(held.optimizer_state);
    plan.gathered = static_cast<double>(held.gathered);
    plan.generating = static_cast<double>(std::max(held.generating, held.saving));
    double on_host = 0.0;
    auto const leaves = [&](std::vector<named_tensor> const& parameters) {
        for (auto const& parameter : parameters) on_host += static_cast<double>(parameter.tensor.nbytes());
    };
    if (config.offload_reference && models.reference != nullptr) leaves(models.reference->parameters());
    if (config.offload_reward)
        for (auto const& reward : models.rewards) leaves(reward.parameters());
    plan.weights -= on_host;
    plan.generating = std::max(plan.generating, on_host);
    double const row = static_cast<double>(longest_prompt + config.response_length);
    double const tokens = static_cast<double>(config.per_device_train_batch_size) * row;
    double const layer = tokens * hidden * (number * detail::kept_of_norms + narrow * detail::kept_of_products);
    plan.activations = (config.gradient_checkpointing ? layers * tokens * hidden * number + layer : layers * layer) *
                       (models.critic != nullptr ? 2.0 : 1.0);
    if (narrow < number && !config.gradient_checkpointing) plan.activations += narrow * learning;
    double const responses = static_cast<double>(config.per_device_train_batch_size * config.response_length);
    double const rows =
        std::min(responses, static_cast<double>(logits_rows(config.logits_memory_mb, models.policy->lm_head)));
    plan.logits = rows * vocabulary * number;
    double const batch = static_cast<double>(
        std::min(config.local_rollout_forward_batch_size,
                 config.per_device_train_batch_size * config.gradient_accumulation_steps * config.num_mini_batches));
    plan.generation = batch * (2.0 * layers * row * hidden * narrow + 3.0 * vocabulary * number);
    return plan;
}

}  // namespace proximal::lm
