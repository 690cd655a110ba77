// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <proximal/knob.hpp>
#include <stdexcept>
#include <string>

namespace tldr {

/// The sizes of the miniature. The defaults are those of the figures in docs/results.md.
struct miniature_options {
    std::string output_dir = "models/tldr_miniature";
    std::string algorithm = "ppo";
    std::int64_t seeds = 3;
    std::int64_t first_seed = 1;
    std::int64_t vocabulary = 4096;
    std::int64_t hidden_size = 256;
    std::int64_t max_prompt_length = 64;
    std::int64_t response_length = 24;
    std::int64_t sft_steps = 311;
    std::int64_t pair_prompts = 3000;
    std::int64_t reward_steps = 300;
    std::int64_t updates = 20;
    double kl_coef = 0.05;
    double ppo_learning_rate = 1e-4;
    std::int64_t points = 5;
    std::int64_t judged = 400;
    std::string others;

    static constexpr std::string_view concern = "the miniature";
    static constexpr auto knobs = proximal::reflect(
        proximal::knob<"output_dir">(&miniature_options::output_dir,
                                     "where everything is written; a finished stage is "
                                     "not made again"),
        proximal::knob<"algorithm">(&miniature_options::algorithm,
                                    "what trains against the reward model: ppo, rloo, "
                                    "grpo, ..."),
        proximal::knob<"seeds">(&miniature_options::seeds, "runs of it, each with a seed of its own",
                                proximal::at_least(1)),
        proximal::knob<"first_seed">(&miniature_options::first_seed, "the first run's seed", proximal::at_least(0)),
        proximal::knob<"vocabulary">(&miniature_options::vocabulary, "tokens of the byte-level BPE",
                                     proximal::at_least(300)),
        proximal::knob<"hidden_size">(&miniature_options::hidden_size,
                                      "width of the four-layer GPT-NeoX, of heads of 64", proximal::at_least(64)),
        proximal::knob<"max_prompt_length">(&miniature_options::max_prompt_length,
                                            "tokens; longer descriptions are left out", proximal::at_least(16)),
        proximal::knob<"response_length">(&miniature_options::response_length, "tokens, the EOS among them",
                                          proximal::at_least(2)),
        proximal::knob<"sft_steps">(&miniature_options::sft_steps, "updates of fine-tuning, of 32 examples",
                                    proximal::at_least(1)),
        proximal::knob<"pair_prompts">(&miniature_options::pair_prompts, "prompts that preference pairs are made of",
                                       proximal::at_least(64)),
        proximal::knob<"reward_steps">(&miniature_options::reward_steps, "updates of the reward model, of 16 pairs",
                                       proximal::at_least(1)),
        proximal::knob<"updates">(&miniature_options::updates, "updates of 64 episodes", proximal::at_least(1)),
        proximal::knob<"kl_coef">(&miniature_options::kl_coef, "weight of the KL penalty", proximal::at_least(0)),
        proximal::knob<"ppo_learning_rate">(&miniature_options::ppo_learning_rate, "falls linearly to 0",
                                            proximal::above(0)),
        proximal::knob<"points">(&miniature_options::points, "checkpoints and points of the over-optimisation curve",
                                 proximal::at_least(1)),
        proximal::knob<"judged">(&miniature_options::judged, "held-out prompts that the judges see",
                                 proximal::at_least(8)),
        proximal::knob<"others">(&miniature_options::others,
                                 "policies that were trained elsewhere, judged beside: "
                                 "NAME=FOLDER, several with commas"));
    void check_knobs() const {
        if (hidden_size % 64 != 0)
            throw std::invalid_argument("--hidden_size is " + std::to_string(hidden_size) +
                                        ": heads have 64 numbers each, so it must be a multiple of 64");
    }
};

}  // namespace tldr
