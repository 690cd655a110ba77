// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/Context.h>
#include <c10/core/ScalarType.h>
#include <c10/core/TensorOptions.h>

#include <optional>
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

/// The dtype in which a run multiplies matrices of its models; none where it is that of their weights.
inline std::optional<at::ScalarType> compute_dtype(run::training_options const& config) {
    if (config.bf16) return at::kBFloat16;
    if (config.fp16) return at::kHalf;
    return {};
}

/// Throws std::invalid_argument where an option that moves something to the host finds it there already.
inline void refuse_offload_from_cpu(std::string const& option, at::Device device) {
    if (device.is_cpu())
        throw std::invalid_argument("--" + option +
                                    " moves from a GPU's memory to the host's, and this run is on the CPU: leave it "
                                    "out");
}

/// Throws std::invalid_argument where a GPU's operations are to be recorded and the models are on the CPU.
inline void refuse_graphs_on_cpu(at::Device device) {
    if (device.is_cpu())
        throw std::invalid_argument("--cuda_graphs records what a GPU does, and this run is on the CPU: leave it out");
}

/// Applies --tf32 (on an NVIDIA GPU true beside --bf16 and --fp16, unless it is given) and --full_determinism to
/// LibTorch, for the whole process, and refuses what the device and dtype of the models cannot give.
/// Throws std::invalid_argument, one sentence.
inline void set_precision(run::training_options const& config, at::TensorOptions const& models) {
    auto const device = models.device();
    auto const refuse = [](std::string const& why) { throw std::invalid_argument(why); };
    if (config.bf16 && device.is_cpu() && !has_bfloat16_instructions())
        refuse(
            "--bf16 true: this processor has no bfloat16 instructions, and without them LibTorch computes in "
            "bfloat16 some 250 times slower than in float32; leave it out");
    if (config.fp16 && !device.is_cuda())
        refuse("--fp16 true is for an NVIDIA GPU, and this run is on the device " + device.str() +
               ": leave it out, or give --bf16 true where the processor has bfloat16 instructions");
    if (compute_dtype(config) && c10::typeMetaToScalarType(models.dtype()) != at::kFloat)
        refuse(std::string(config.bf16 ? "--bf16" : "--fp16") + " true is for models of float32, and these are of " +
               c10::toString(c10::typeMetaToScalarType(models.dtype())) + ": leave it out, or load them as at::kFloat");
    if (config.torch_empty_cache_steps && device.is_cpu())
        refuse(
            "--torch_empty_cache_steps is for a GPU, whose memory LibTorch keeps for later, and this run is on the "
            "CPU: leave it out");
    if (config.tf32 && device.is_cpu())
        refuse("--tf32 is a mode of NVIDIA GPUs, and this run is on the CPU: leave it out");
    // Who multiplies in 8 or 11 bits does not want to wait for the heads' 24: TF32 has 11.
    auto const tf32 = config.tf32 || !device.is_cuda() || !compute_dtype(config) ? config.tf32 : std::optional(true);
    if (tf32) {
        at::globalContext().setAllowTF32CuBLAS(*tf32);
        at::globalContext().setAllowTF32CuDNN(*tf32);
    }
    if (config.full_determinism) at::globalContext().setDeterministicAlgorithms(true, /*warn_only=*/false);
}

}  // namespace proximal::lm
