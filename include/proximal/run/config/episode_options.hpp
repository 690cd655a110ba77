// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <proximal/knob.hpp>
#include <string>
#include <string_view>

namespace proximal::run {

/// How many episodes, and how they divide: PPO's. TRL writes derived sizes into a configuration too: they must agree.
struct episode_options {
    std::optional<std::int64_t> total_episodes;
    std::optional<std::int64_t> batch_size;
    std::optional<std::int64_t> mini_batch_size;
    std::optional<std::int64_t> micro_batch_size;
    std::optional<std::int64_t> local_batch_size;
    std::optional<std::int64_t> local_mini_batch_size;
    std::optional<std::int64_t> num_total_batches;
    std::optional<std::int64_t> world_size;
    std::string batch_scope = "world";

    static constexpr std::string_view concern = "episodes";
    static constexpr auto knobs = reflect(
        knob<"total_episodes">(&episode_options::total_episodes,
                               "episodes to train on; default: num_train_epochs x data", at_least(1)),
        knob<"batch_size">(&episode_options::batch_size, "episodes per update: derived; refused where it disagrees",
                           at_least(1),
                           "per_device_train_batch_size x gradient_accumulation_steps x num_mini_batches x world_size. "
                           "TRL overwrites what is given."),
        knob<"mini_batch_size">(
            &episode_options::mini_batch_size, "episodes per step: derived; refused where it disagrees", at_least(1),
            "per_device_train_batch_size x gradient_accumulation_steps x world_size. TRL overwrites what is given."),
        knob<"micro_batch_size">(&episode_options::micro_batch_size,
                                 "rows per micro-batch of all processes: derived; refused where it disagrees",
                                 at_least(1),
                                 "per_device_train_batch_size x world_size. TRL overwrites what is given."),
        knob<"local_batch_size">(&episode_options::local_batch_size,
                                 "episodes per update of one process: derived; refused where it disagrees", at_least(1),
                                 "per_device_train_batch_size x gradient_accumulation_steps x num_mini_batches. TRL "
                                 "overwrites what is given."),
        knob<"local_mini_batch_size">(
            &episode_options::local_mini_batch_size,
            "episodes per step of one process: derived; refused where it disagrees", at_least(1),
            "per_device_train_batch_size x gradient_accumulation_steps. TRL overwrites what is given."),
        knob<"num_total_batches">(
            &episode_options::num_total_batches, "updates of the run: derived; refused where it disagrees", at_least(1),
            "total_episodes / batch_size, rounded up. TRL overwrites what is given; max_steps chooses it."),
        knob<"world_size">(&episode_options::world_size, "processes of the run: derived; refused where it disagrees",
                           at_least(1), "TRL overwrites what is given."),
        knob<"batch_scope">(&episode_options::batch_scope, "whether all processes have one batch, or each its own",
                            {"world, process"},
                            "world: advantages, whitening, running moments and mini-batches are those of all episodes, "
                            "so that the number of processes changes no number. process: as TRL, each process whitens "
                            "and cuts its own share."));
};

}  // namespace proximal::run
