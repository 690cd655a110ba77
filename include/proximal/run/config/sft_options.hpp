// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <proximal/knob.hpp>
#include <string>
#include <string_view>

namespace proximal::run {

/// What is fine-tuned, on what of a demonstration, and how it is tried out.
struct sft_options {
    std::optional<std::string> model_name_or_path;
    std::optional<std::int64_t> max_seq_length;
    std::string completion_prefix;
    double prompt_loss_weight = 1.0;
    std::int64_t eval_generations = 0;
    std::int64_t response_length = 53;
    double eval_temperature = 0.01;

    static constexpr std::string_view concern = "fine-tuning";
    static constexpr auto knobs = reflect(
        knob<"model_name_or_path">(&sft_options::model_name_or_path, "folder or Hub id of the model and its tokenizer"),
        knob<"max_seq_length">(&sft_options::max_seq_length,
                               "examples of more tokens are left out and counted; default: the model's positions",
                               at_least(2), "TRL cuts them."),
        knob<"completion_prefix">(&sft_options::completion_prefix, "put before a completion that begins with no blank",
                                  {}, "The N+ paper's is one blank, since its queries end in \"TL;DR:\" without one."),
        knob<"prompt_loss_weight">(&sft_options::prompt_loss_weight,
                                   "weight of a prompt's tokens in the loss; 0: completions alone", between(0, 1),
                                   "1 is the N+ paper's and TRL 0.11's: the loss of all tokens."),
        knob<"eval_generations">(&sft_options::eval_generations,
                                 "held-out prompts that each evaluation answers, for ROUGE-L", at_least(0)),
        knob<"response_length">(&sft_options::response_length, "tokens of such an answer, at most", at_least(1)),
        knob<"eval_temperature">(&sft_options::eval_temperature, "sampling temperature of such an answer", above(0),
                                 "0.01 is the N+ paper's: nearly greedy."));
};

}  // namespace proximal::run
