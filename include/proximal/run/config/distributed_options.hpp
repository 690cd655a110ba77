// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <proximal/knob.hpp>
#include <string>
#include <string_view>

namespace proximal::run {

/// What processes that train together split among them, and how long they wait for each other. How many there are is
/// the launcher's to say (launch.hpp). All of it may be given where there is one process.
struct distributed_options {
    std::string sharding = "none";
    bool gather_for_generation = true;
    std::optional<std::string> ddp_backend;
    std::optional<std::int64_t> ddp_bucket_cap_mb;
    std::int64_t ddp_timeout = 1800;
    double heartbeat_timeout = 10.0;
    std::optional<std::string> deepspeed;
    std::optional<std::string> fsdp;
    std::optional<std::string> fsdp_config;

    static constexpr std::string_view concern = "processes";
    static constexpr auto knobs = reflect(
        knob<"sharding">(&distributed_options::sharding, "what is split over the processes",
                         {"none, zero1, zero2, zero3"},
                         "zero1: the optimizer's state; zero2: gradients too; zero3: the layers' weights too, but for "
                         "the reward model's. none: every process holds all. Not of TRL: there --deepspeed and --fsdp "
                         "say it."),
        knob<"gather_for_generation">(
            &distributed_options::gather_for_generation,
            "with --sharding zero3 a process holds the whole policy while it generates", {},
            "false is not supported. TRL's later trainers call it ds3_gather_for_generation."),
        knob<"ddp_backend">(&distributed_options::ddp_backend,
                            "what carries tensors between processes; default: nccl on GPUs, else gloo", {"nccl, gloo"}),
        knob<"ddp_bucket_cap_mb">(&distributed_options::ddp_bucket_cap_mb,
                                  "megabytes of gradients that are sent at once; default: 25", at_least(1)),
        knob<"ddp_timeout">(&distributed_options::ddp_timeout,
                            "seconds that processes may wait for each other before the run ends", at_least(1)),
        knob<"heartbeat_timeout">(&distributed_options::heartbeat_timeout,
                                  "seconds without a sign of life from a process before the run ends on all; 0: never",
                                  at_least(0), "It notices a process that died long before ddp_timeout. Not of TRL."),
        knob<"deepspeed">(&distributed_options::deepspeed,
                          "a DeepSpeed configuration, a file or JSON: its stage becomes --sharding", {},
                          "What it says of batches, precision and clipping must be what the flags say, or \"auto\"."),
        knob<"fsdp">(&distributed_options::fsdp,
                     "full_shard, shard_grad_op or no_shard: becomes --sharding zero3, zero2 or none", {},
                     "auto_wrap may stand beside it: each layer is gathered by itself."),
        knob<"fsdp_config">(&distributed_options::fsdp_config, "further keys of --fsdp, a file or JSON"));
};

}  // namespace proximal::run
