// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/Context.h>

#include <proximal/run/training_options.hpp>
#include <stdexcept>
#include <string>

namespace proximal::lm {

/// Whether the processor multiplies bfloat16 numbers by instructions of its own.
inline bool has_bfloat16_instructions() {
#if defined(__x86_64__)
    return __builtin_cpu_supports("avx512bf16");
#else
    return false;
#endif
}

/// Applies --tf32 and --full_determinism to LibTorch, and refuses --bf16 and --fp16 with the reason: the trainer
/// computes in float32. Throws std::invalid_argument, one sentence.
inline void set_precision(run::training_options const& config, at::Device device) {
    auto const refuse = [](std::string const& why) { throw std::invalid_argument(why); };
    if (config.bf16 && device.is_cpu() && !has_bfloat16_instructions())
        refuse(
            "--bf16 true: this processor has no bfloat16 instructions, and without them LibTorch computes in "
            "bfloat16 some 250 times slower than in float32; leave it out");
    if (config.bf16)
        refuse(
            "--bf16 true is not supported yet: policy and critic learn in float32; leave it out, or give --tf32 "
            "true on a GPU");
    if (config.fp16)
        refuse(
            "--fp16 true is not supported yet: it needs loss scaling, and policy and critic learn in float32; leave "
            "it out");
    if (config.torch_empty_cache_steps && device.is_cpu())
        refuse(
            "--torch_empty_cache_steps is for a GPU, whose memory LibTorch keeps for later, and this run is on the "
            "CPU: leave it out");
    if (config.tf32 && device.is_cpu())
        refuse("--tf32 is a mode of NVIDIA GPUs, and this run is on the CPU: leave it out");
    if (config.tf32) {
        at::globalContext().setAllowTF32CuBLAS(*config.tf32);
        at::globalContext().setAllowTF32CuDNN(*config.tf32);
    }
    if (config.full_determinism) at::globalContext().setDeterministicAlgorithms(true, /*warn_only=*/false);
}

}  // namespace proximal::lm
