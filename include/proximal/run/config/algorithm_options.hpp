// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <proximal/knob.hpp>
#include <string>
#include <string_view>

namespace proximal::run {

/// The numbers of the algorithm, and how often it learns from a batch.
struct algorithm_options {
    std::string algorithm = "ppo";
    std::int64_t num_ppo_epochs = 4;
    std::int64_t num_mini_batches = 1;
    double kl_coef = 0.05;
    double cliprange = 0.2;
    double cliprange_value = 0.2;
    double vf_coef = 0.1;
    double gamma = 1.0;
    double lam = 0.95;
    bool whiten_rewards = false;
    std::optional<double> missing_eos_penalty;

    static constexpr std::string_view concern = "the algorithm";
    static constexpr auto knobs = reflect(
        knob<"algorithm">(&algorithm_options::algorithm, "what trains; ppo is TRL's"),
        knob<"num_ppo_epochs">(&algorithm_options::num_ppo_epochs, "passes over each batch of episodes", at_least(1)),
        knob<"num_mini_batches">(&algorithm_options::num_mini_batches, "optimizer steps per pass", at_least(1),
                                 "They multiply the batch: per_device_train_batch_size x gradient_accumulation_steps x "
                                 "num_mini_batches episodes."),
        knob<"kl_coef">(&algorithm_options::kl_coef, "weight of the KL penalty in the reward", at_least(0)),
        knob<"cliprange">(&algorithm_options::cliprange, "half-width of the ratio clip", above(0)),
        knob<"cliprange_value">(&algorithm_options::cliprange_value, "half-width of the value clip", above(0)),
        knob<"vf_coef">(&algorithm_options::vf_coef, "weight of the value loss", at_least(0)),
        knob<"gamma">(&algorithm_options::gamma, "discount of later rewards", between(0, 1)),
        knob<"lam">(&algorithm_options::lam, "lambda of generalised advantage estimation", between(0, 1)),
        knob<"whiten_rewards">(&algorithm_options::whiten_rewards, "scale the rewards of a batch to variance 1", {},
                               "Mini-batches of 8 episodes or more are needed to estimate a variance."),
        knob<"missing_eos_penalty">(&algorithm_options::missing_eos_penalty,
                                    "subtracted from the score when no EOS came", {},
                                    "A positive number: 1.0 takes one from the score of a response that was cut off."));
};

}  // namespace proximal::run
