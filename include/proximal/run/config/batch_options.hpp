// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <proximal/knob.hpp>
#include <string_view>

namespace proximal::run {

/// How many episodes, and how they divide. TRL writes derived sizes into a configuration too: they must agree.
struct batch_options {
    std::optional<std::int64_t> total_episodes;
    double num_train_epochs = 3.0;
    std::int64_t max_steps = -1;
    std::int64_t per_device_train_batch_size = 8;
    std::int64_t per_device_eval_batch_size = 8;
    std::int64_t gradient_accumulation_steps = 1;
    std::optional<std::int64_t> batch_size;
    std::optional<std::int64_t> mini_batch_size;
    std::optional<std::int64_t> micro_batch_size;
    std::optional<std::int64_t> local_batch_size;
    std::optional<std::int64_t> local_mini_batch_size;
    std::optional<std::int64_t> num_total_batches;
    std::optional<std::int64_t> world_size;
    bool auto_find_batch_size = false;

    static constexpr std::string_view concern = "batches";
    static constexpr auto knobs = reflect(
        knob<"total_episodes">(&batch_options::total_episodes, "episodes to train on; default: num_train_epochs x data",
                               at_least(1)),
        knob<"num_train_epochs">(&batch_options::num_train_epochs,
                                 "passes over the data, if total_episodes is not given", above(0)),
        knob<"max_steps">(&batch_options::max_steps, "updates to train for; -1: as total_episodes says", at_least(-1),
                          "It counts updates, each of batch_size episodes, and rules over num_train_epochs. TRL's PPO "
                          "trainer ignores it."),
        knob<"per_device_train_batch_size">(&batch_options::per_device_train_batch_size, "rows per micro-batch",
                                            at_least(1)),
        knob<"per_device_eval_batch_size">(&batch_options::per_device_eval_batch_size, "rows of a sample table",
                                           at_least(1)),
        knob<"gradient_accumulation_steps">(
            &batch_options::gradient_accumulation_steps, "micro-batches per mini-batch", at_least(1),
            "Raise it and lower per_device_train_batch_size to save memory: the update stays the same."),
        knob<"batch_size">(&batch_options::batch_size, "episodes per update: derived; refused where it disagrees",
                           at_least(1),
                           "per_device_train_batch_size x gradient_accumulation_steps x num_mini_batches x world_size. "
                           "TRL overwrites what is given."),
        knob<"mini_batch_size">(
            &batch_options::mini_batch_size, "episodes per step: derived; refused where it disagrees", at_least(1),
            "per_device_train_batch_size x gradient_accumulation_steps x world_size. TRL overwrites what is given."),
        knob<"micro_batch_size">(&batch_options::micro_batch_size,
                                 "rows per micro-batch of all processes: derived; refused where it disagrees",
                                 at_least(1),
                                 "per_device_train_batch_size x world_size. TRL overwrites what is given."),
        knob<"local_batch_size">(&batch_options::local_batch_size,
                                 "episodes per update of one process: derived; refused where it disagrees", at_least(1),
                                 "per_device_train_batch_size x gradient_accumulation_steps x num_mini_batches. TRL "
                                 "overwrites what is given."),
        knob<"local_mini_batch_size">(
            &batch_options::local_mini_batch_size,
            "episodes per step of one process: derived; refused where it disagrees", at_least(1),
            "per_device_train_batch_size x gradient_accumulation_steps. TRL overwrites what is given."),
        knob<"num_total_batches">(
            &batch_options::num_total_batches, "updates of the run: derived; refused where it disagrees", at_least(1),
            "total_episodes / batch_size, rounded up. TRL overwrites what is given; max_steps chooses it."),
        knob<"world_size">(&batch_options::world_size, "processes of the run: derived; refused where it disagrees",
                           at_least(1), "TRL overwrites what is given."),
        knob<"auto_find_batch_size">(&batch_options::auto_find_batch_size,
                                     "halve the micro-batch and start again where memory does not suffice", {},
                                     "gradient_accumulation_steps doubles with each halving, so that an update stays "
                                     "the same. TRL's PPO trainer ignores it."));
};

}  // namespace proximal::run
