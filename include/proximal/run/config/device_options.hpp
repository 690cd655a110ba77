// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <proximal/knob.hpp>
#include <string_view>

namespace proximal::run {

/// In which numbers a run computes, where, and in how much memory.
struct device_options {
    bool use_cpu = false;
    bool bf16 = false;
    bool fp16 = false;
    std::optional<bool> tf32;
    bool gradient_checkpointing = false;
    bool offload_optimizer = false;
    std::optional<std::int64_t> torch_empty_cache_steps;
    std::optional<std::int64_t> logits_memory_mb;

    static constexpr std::string_view concern = "precision and devices";
    static constexpr auto knobs = reflect(
        knob<"use_cpu">(&device_options::use_cpu, "stay on the CPU where there is a GPU"),
        knob<"bf16">(&device_options::bf16, "multiply matrices in bfloat16; weights, gradients and heads stay float32",
                     {}, "It excludes fp16. On a CPU it needs bfloat16 instructions."),
        knob<"fp16">(&device_options::fp16, "multiply matrices in float16, with a scaled loss; on a GPU", {},
                     "It excludes bf16."),
        knob<"tf32">(
            &device_options::tf32,
            "whether a GPU multiplies float32 matrices in TF32; default: with bf16 or fp16 (the heads)", {},
            "TF32 rounds factors to 11 bits and sums in float32, many times faster. transformers leaves it off "
            "where it is not given."),
        knob<"gradient_checkpointing">(&device_options::gradient_checkpointing,
                                       "compute activations twice instead of keeping them", {},
                                       "TRL's PPO trainer ignores it."),
        knob<"offload_optimizer">(&device_options::offload_optimizer,
                                  "keep the optimizer's state in the host's memory, and make its steps there", {},
                                  "Gradients go to the host and weights come back, with each step. Not of TRL, where a "
                                  "DeepSpeed configuration says it."),
        knob<"torch_empty_cache_steps">(&device_options::torch_empty_cache_steps,
                                        "updates between releases of the allocator's cache; default: never",
                                        at_least(1), "TRL's PPO trainer ignores it: it releases in every micro-batch."),
        knob<"logits_memory_mb">(&device_options::logits_memory_mb,
                                 "megabytes that logits may take at once; default: chosen from the model", at_least(1),
                                 "Not of TRL."));
};

}  // namespace proximal::run
