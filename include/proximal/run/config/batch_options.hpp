// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <proximal/knob.hpp>
#include <string_view>

namespace proximal::run {

/// How many passes over the data, and how many rows at a time.
struct batch_options {
    double num_train_epochs = 3.0;
    std::int64_t max_steps = -1;
    std::int64_t per_device_train_batch_size = 8;
    std::int64_t per_device_eval_batch_size = 8;
    std::int64_t gradient_accumulation_steps = 1;
    bool auto_find_batch_size = false;

    static constexpr std::string_view concern = "batches";
    static constexpr auto knobs = reflect(
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
        knob<"auto_find_batch_size">(&batch_options::auto_find_batch_size,
                                     "halve the micro-batch and start again where memory does not suffice", {},
                                     "gradient_accumulation_steps doubles with each halving, so that an update stays "
                                     "the same. TRL's PPO trainer ignores it."));
};

}  // namespace proximal::run
