// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/hana/flatten.hpp>
#include <boost/hana/tuple.hpp>
#include <proximal/run/config/batch_options.hpp>
#include <proximal/run/config/device_options.hpp>
#include <proximal/run/config/distributed_options.hpp>
#include <proximal/run/config/evaluation_options.hpp>
#include <proximal/run/config/logging_options.hpp>
#include <proximal/run/config/optimizer_options.hpp>
#include <proximal/run/config/run_options.hpp>
#include <proximal/run/config/saving_options.hpp>
#include <proximal/run/config/schedule_options.hpp>
#include <stdexcept>

namespace proximal::run {

/// What every training run can be told, whatever it trains: transformers' TrainingArguments as far as they act, a base
/// for each concern. PPOv2Config, SFTConfig and RewardConfig add what is theirs.
struct training_options : batch_options,
                          optimizer_options,
                          schedule_options,
                          logging_options,
                          saving_options,
                          evaluation_options,
                          device_options,
                          distributed_options,
                          run_options {
    static constexpr auto knobs = boost::hana::flatten(
        boost::hana::make_tuple(batch_options::knobs, optimizer_options::knobs, schedule_options::knobs,
                                logging_options::knobs, saving_options::knobs, evaluation_options::knobs,
                                device_options::knobs, distributed_options::knobs, run_options::knobs));

    /// Throws std::invalid_argument where fields contradict each other (see validate).
    void check_knobs() const {
        auto const refuse = [](char const* why) { throw std::invalid_argument(why); };
        if (bf16 && fp16) refuse("--bf16 and --fp16 exclude each other: give one");
        if (optim == "adafactor" && sharding != "none")
            refuse(
                "--optim adafactor keeps sums over the rows and columns of whole matrices, and --sharding cuts these: "
                "give --sharding none, or --optim adamw_torch");
        if (!gather_for_generation)
            refuse(
                "--gather_for_generation false is not supported: processes end their responses at different tokens, "
                "and a layer gathered for each token would wait for those that are done; leave it out");
        if (use_cpu && ddp_backend == "nccl")
            refuse("--ddp_backend nccl is for NVIDIA GPUs, and --use_cpu asks for none: give --ddp_backend gloo");
        if (max_steps == 0)
            refuse("--max_steps is 0: it must be at least 1, or -1 for as long as the data or the episodes say");
        if (eval_strategy == "no") {
            if (load_best_model_at_end)
                refuse("--load_best_model_at_end needs evaluations: give --eval_strategy steps or epoch");
            if (early_stopping_patience)
                refuse("--early_stopping_patience needs evaluations: give --eval_strategy steps or epoch");
            if (lr_scheduler_type == "reduce_lr_on_plateau")
                refuse(
                    "--lr_scheduler_type reduce_lr_on_plateau needs evaluations: give --eval_strategy steps or epoch");
        } else if (load_best_model_at_end && save_strategy != eval_strategy) {
            refuse(
                "--load_best_model_at_end needs a checkpoint at each evaluation: give --save_strategy as "
                "--eval_strategy");
        }
    }
};

}  // namespace proximal::run
