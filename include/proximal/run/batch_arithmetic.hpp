// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <cmath>
#include <cstdint>
#include <proximal/run/ppo_config.hpp>
#include <stdexcept>
#include <string_view>

namespace proximal::run {

/// How a run's episodes divide, from the largest unit to the smallest. All counts are of episodes (rows).
///
///     local_batch = micro · accumulation · mini_batches        one process, one update
///     batch       = local_batch · world                        all processes, one update
///     updates     = ⌈total_episodes / batch⌉                   may overshoot the episodes asked for
///
/// Where max_steps is given it is the number of updates; the episodes follow.
/// Source: TRL v0.11.4, PPOv2Trainer.__init__. There the mini-batches multiply the batch; they do not divide it.
struct batch_arithmetic {
    std::int64_t local_batch_size;
    std::int64_t local_mini_batch_size;
    std::int64_t local_micro_batch_size;  // per_device_train_batch_size
    std::int64_t batch_size;
    std::int64_t mini_batch_size;
    std::int64_t total_episodes;
    std::int64_t num_total_batches;
    std::int64_t sample_generations_freq;  // updates between sample tables; 0: none
};

/// a / b, or std::invalid_argument where it leaves a remainder.
inline std::int64_t exact_division(std::int64_t a, std::int64_t b, std::string_view a_name, std::string_view b_name) {
    if (b <= 0 || a % b != 0)
        throw std::invalid_argument(
            fmt::format("{} = {} does not divide by {} = {}: choose one that is a multiple of "
                        "the other",
                        a_name, a, b_name, b));
    return a / b;
}

/// An algorithm that compares `group_size` responses to each prompt has batch / group_size prompts in a batch.
/// Throws std::invalid_argument naming the flag where a count is not positive or the sizes contradict each other.
inline batch_arithmetic divide_batches(PPOv2Config const& config, std::int64_t dataset_size, std::int64_t world_size,
                                       std::int64_t group_size = 1) {
    auto const positive = [](std::int64_t count, std::string_view flag) {
        if (count < 1) throw std::invalid_argument(fmt::format("--{} is {}: it must be at least 1", flag, count));
    };
    positive(config.per_device_train_batch_size, "per_device_train_batch_size");
    positive(config.per_device_eval_batch_size, "per_device_eval_batch_size");
    positive(config.gradient_accumulation_steps, "gradient_accumulation_steps");
    positive(config.num_mini_batches, "num_mini_batches");
    positive(config.num_ppo_epochs, "num_ppo_epochs");
    positive(config.local_rollout_forward_batch_size, "local_rollout_forward_batch_size");
    if (config.num_sample_generations < 0)
        throw std::invalid_argument(
            fmt::format("--num_sample_generations is {}: it must be 0 (none) or more", config.num_sample_generations));

    batch_arithmetic sizes{};
    sizes.local_micro_batch_size = config.per_device_train_batch_size;
    sizes.local_mini_batch_size = sizes.local_micro_batch_size * config.gradient_accumulation_steps;
    sizes.local_batch_size = sizes.local_mini_batch_size * config.num_mini_batches;
    sizes.batch_size = sizes.local_batch_size * world_size;
    sizes.mini_batch_size = exact_division(sizes.batch_size, config.num_mini_batches, "batch_size", "num_mini_batches");
    auto const agrees = [](std::optional<std::int64_t> given, std::int64_t derived, std::string_view flag,
                           std::string_view product) {
        if (given && *given != derived)
            throw std::invalid_argument(
                fmt::format("--{} {} does not agree with the other sizes: {} = {}; change those, or leave --{} out",
                            flag, *given, product, derived, flag));
    };
    agrees(config.batch_size, sizes.batch_size, "batch_size",
           "per_device_train_batch_size x gradient_accumulation_steps x num_mini_batches x processes");
    agrees(config.mini_batch_size, sizes.mini_batch_size, "mini_batch_size",
           "per_device_train_batch_size x gradient_accumulation_steps x processes");
    agrees(config.world_size, world_size, "world_size", "the number of processes");
    agrees(config.micro_batch_size, sizes.local_micro_batch_size * world_size, "micro_batch_size",
           "per_device_train_batch_size x processes");
    agrees(config.local_batch_size, sizes.local_batch_size, "local_batch_size",
           "per_device_train_batch_size x gradient_accumulation_steps x num_mini_batches");
    agrees(config.local_mini_batch_size, sizes.local_mini_batch_size, "local_mini_batch_size",
           "per_device_train_batch_size x gradient_accumulation_steps");
    bool const of_all = config.batch_scope == "world";
    if (auto const whitened = of_all ? sizes.mini_batch_size : sizes.local_mini_batch_size;
        config.whiten_rewards && whitened < 8)
        throw std::invalid_argument(
            fmt::format("--whiten_rewards needs mini-batches of 8 episodes or more to estimate a "
                        "variance, and these have {}: raise --per_device_train_batch_size or "
                        "--gradient_accumulation_steps",
                        whitened));
    if (sizes.local_batch_size % group_size != 0)
        throw std::invalid_argument(
            fmt::format("a batch of {} episodes does not divide into groups of {} responses: choose "
                        "--per_device_train_batch_size x --gradient_accumulation_steps x --num_mini_batches a multiple "
                        "of --group_size",
                        sizes.local_batch_size, group_size));
    if (dataset_size < sizes.batch_size / group_size)
        throw std::invalid_argument(
            fmt::format("the training data hold {} prompts, fewer than one batch of {}: give more data, or lower "
                        "--per_device_train_batch_size, --gradient_accumulation_steps or --num_mini_batches",
                        dataset_size, sizes.batch_size / group_size));
    sizes.total_episodes = config.total_episodes.value_or(
        config.max_steps > 0
            ? config.max_steps * sizes.batch_size
            : static_cast<std::int64_t>(config.num_train_epochs * static_cast<double>(dataset_size * group_size)));
    positive(sizes.total_episodes, config.total_episodes ? "total_episodes" : "num_train_epochs");
    sizes.num_total_batches = (sizes.total_episodes + sizes.batch_size - 1) / sizes.batch_size;
    if (config.max_steps > 0 && sizes.num_total_batches != config.max_steps)
        throw std::invalid_argument(fmt::format(
            "--max_steps {} and --total_episodes {} disagree: these are {} updates of {} episodes; give one",
            config.max_steps, sizes.total_episodes, sizes.num_total_batches, sizes.batch_size));
    agrees(config.num_total_batches, sizes.num_total_batches, "num_total_batches",
           "total_episodes / batch_size, rounded up,");
    if (config.num_sample_generations > 0)
        sizes.sample_generations_freq =
            std::max<std::int64_t>(1, sizes.num_total_batches / config.num_sample_generations);
    return sizes;
}

}  // namespace proximal::run
