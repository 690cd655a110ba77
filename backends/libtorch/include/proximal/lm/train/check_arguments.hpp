// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <optional>
#include <proximal/lm/model/begin_training.hpp>
#include <proximal/lm/train/check_aliases.hpp>
#include <proximal/lm/train/check_precision.hpp>
#include <proximal/lm/train/episodes.hpp>
#include <proximal/lm/train/ppo_trainer_arguments.hpp>
#include <proximal/lm/train/trainable.hpp>
#include <proximal/run/any_knob.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace proximal::lm {

/// Pad, EOS and stop token of a run. Throws std::invalid_argument where they cannot be told apart or are not known.
inline token_roles roles_of(run::PPOv2Config const& config, text::tokenizer const& words) {
    auto const refuse = [](std::string const& why) { throw std::invalid_argument(why); };
    auto const pad = words.pad_token_id(), eos = words.eos_token_id();
    if (!pad) refuse("the tokenizer has no pad token: add one of its own, tokenizer.add_pad_token(\"[PAD]\")");
    if (pad == eos)
        refuse(
            "the pad token equals EOS, so a response's end could not be told from padding: give the tokenizer a pad "
            "token of its own, tokenizer.add_pad_token(\"[PAD]\")");
    token_roles roles{.pad = *pad, .eos = eos, .stop = config.stop_token_id};
    if (config.stop_token) {
        if (config.stop_token_id) refuse("--stop_token and --stop_token_id exclude each other: give one");
        if (!eos) refuse("--stop_token eos needs a tokenizer with an EOS token: name the token by --stop_token_id");
        roles.stop = eos;
    }
    if (config.missing_eos_penalty && !eos) refuse("--missing_eos_penalty needs a tokenizer with an EOS token");
    return roles;
}

/// Refuses a configuration that says something else than the algorithm beside it, and a part's knob that bears the name
/// of a field which is no algorithm's: std::invalid_argument. A field that was left as it is says nothing.
inline void check_agreement(run::PPOv2Config const& given, trainable& algorithm) {
    run::PPOv2Config said = given, untouched;
    auto const fields = run::any_knobs(said), defaults = run::any_knobs(untouched), own = algorithm.knobs();
    run::refuse_taken_names(own, fields, run::algorithm_fields);
    auto const text_of = [](std::vector<run::any_knob> const& knobs,
                            std::string_view name) -> std::optional<std::string> {
        for (auto const& knob : knobs)
            if (knob.name == name) return knob.text();
        return std::nullopt;
    };
    for (auto const field : run::algorithm_fields) {
        auto const text = *text_of(fields, field);
        if (text == text_of(defaults, field)) continue;
        auto const name = "config." + std::string(field) + " is " + text;
        auto const of_algorithm = text_of(own, field);
        if (!of_algorithm) throw std::invalid_argument(name + ", and no part of the algorithm reads it: leave it out");
        if (*of_algorithm != text)
            throw std::invalid_argument(name + " and the algorithm's is " + *of_algorithm +
                                        ": the algorithm's counts, so set it there");
    }
}

/// Refuses several optimizer steps on a batch for a loss that is right for one alone: std::invalid_argument.
inline void check_steps(run::PPOv2Config const& config, trainable const& algorithm) {
    if (algorithm.has_ratio() || config.num_ppo_epochs * config.num_mini_batches == 1) return;
    throw std::invalid_argument("--num_ppo_epochs " + std::to_string(config.num_ppo_epochs) +
                                " with --num_mini_batches " + std::to_string(config.num_mini_batches) +
                                " makes several steps on a batch, and the loss has no ratio (reinforce): it is right "
                                "for the first alone. Set both "
                                "to 1, or choose a loss with a ratio (clipped_surrogate)");
}

/// Everything about a trainer's arguments that can be wrong before it starts, each in one sentence.
inline void check_arguments(ppo_trainer_arguments const& given, bool needs_reference, bool needs_critic) {
    auto const refuse = [](std::string const& why) { throw std::invalid_argument(why); };
    auto const& config = given.config;
    validate(config);
    auto const vocabulary = given.policy.body->vocabulary_size();
    if (config.stop_token_id && *config.stop_token_id >= vocabulary)
        refuse("--stop_token_id " + std::to_string(*config.stop_token_id) + " is no token of the policy, which knows " +
               std::to_string(vocabulary) + ": no response would ever stop");
    if (!given.reward_model) refuse("there is no reward: give a model or a function as reward_model");
    if (needs_reference && !given.ref_policy)
        refuse("the algorithm reads reference log-probs, and there is no ref_policy: give one");
    if (needs_critic && !given.value_model) refuse("the algorithm reads values, and there is no value_model: give one");
    bool const reads_reference = needs_reference && given.ref_policy, reads_critic = needs_critic && given.value_model;
    std::vector<training_model> models{{"policy", given.policy.parameters(), chosen_for_training(given.policy)}};
    if (reads_critic)
        models.push_back({"value_model", given.value_model->parameters(), chosen_for_training(*given.value_model)});
    if (reads_reference) models.push_back({"ref_policy", given.ref_policy->parameters()});
    for (auto const& model : models_behind(given.reward_model)) models.push_back({"reward_model", model.parameters()});
    check_aliases(models);
    // Beyond these ids the policy's rows only pad its vocabulary; a pad token added here is never fed.
    auto const sampled = std::min<std::int64_t>(
        vocabulary, static_cast<std::int64_t>(given.tokenizer.size()) -
                        (given.tokenizer.pad_token_id() == static_cast<std::int64_t>(given.tokenizer.size()) - 1));
    auto const reads_all = [&](backbone const& body, std::string const& whose) {
        if (body.vocabulary_size() < sampled)
            refuse("the " + whose + " knows " + std::to_string(body.vocabulary_size()) +
                   " tokens, and the policy may answer with any of " + std::to_string(sampled) + ": give a " + whose +
                   " with the policy's tokenizer");
    };
    if (reads_reference) reads_all(*given.ref_policy->body, "reference");
    if (reads_critic) reads_all(*given.value_model->body, "value model");
    for (auto const& model : models_behind(given.reward_model)) reads_all(*model.body, "reward model");
    for (auto const& model : models)
        if (!model.learning.empty()) check_precision(model.parameters, model.name);
    for (auto const* data : {&given.train_dataset, &given.eval_dataset})
        for (std::size_t i = 0; i < data->prompts.size(); ++i) {
            auto const& prompt = data->prompts[i];
            auto const needed = static_cast<std::int64_t>(prompt.size()) + config.response_length;
            auto const fits = [&](backbone const& body, std::string const& whose) {
                if (needed > body.max_positions())
                    refuse("prompt " + std::to_string(i + 1) + " has " + std::to_string(prompt.size()) +
                           " tokens: with " + std::to_string(config.response_length) +
                           " of response that is longer than the " + whose + "'s " +
                           std::to_string(body.max_positions()) +
                           " positions; shorten the prompts or --response_length");
            };
            fits(*given.policy.body, "policy");
            if (given.ref_policy) fits(*given.ref_policy->body, "reference");
            if (given.value_model) fits(*given.value_model->body, "value model");
            for (auto const& model : models_behind(given.reward_model)) fits(*model.body, "reward model");
            auto const largest = prompt.empty() ? 0 : *std::max_element(prompt.begin(), prompt.end());
            if (largest >= given.policy.body->vocabulary_size())
                refuse("prompt " + std::to_string(i + 1) + " holds token " + std::to_string(largest) +
                       ", and the policy knows " + std::to_string(given.policy.body->vocabulary_size()) +
                       ": use the policy's tokenizer");
        }
}

}  // namespace proximal::lm
