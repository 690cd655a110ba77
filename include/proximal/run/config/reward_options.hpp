// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <proximal/knob.hpp>
#include <string>
#include <string_view>

namespace proximal::run {

/// What becomes a reward model, and what its rewards are like.
struct reward_options {
    std::optional<std::string> model_name_or_path;
    std::optional<std::int64_t> max_length;
    std::string completion_prefix;
    std::string reward_head = "n_plus";
    double center_rewards_coefficient = 0.0;
    std::optional<std::string> reference_dataset_name;

    static constexpr std::string_view concern = "the reward model";
    static constexpr auto knobs = reflect(
        knob<"model_name_or_path">(&reward_options::model_name_or_path,
                                   "folder or Hub id of the model that it begins as, and of its tokenizer", {},
                                   "A language model gets a new head; a reward model keeps its own."),
        knob<"max_length">(&reward_options::max_length,
                           "pairs with more tokens are left out and counted; default: the model's positions",
                           at_least(2)),
        knob<"completion_prefix">(&reward_options::completion_prefix, "put before an answer that begins with no blank",
                                  {}, "The N+ paper's is one blank."),
        knob<"reward_head">(
            &reward_options::reward_head, "how a new head is drawn", {"n_plus, initializer_range"},
            "n_plus: N(0, 1/sqrt(hidden size + 1)), of the N+ paper; initializer_range: as transformers "
            "draws it."),
        knob<"center_rewards_coefficient">(
            &reward_options::center_rewards_coefficient,
            "weight of (r(chosen) + r(rejected))^2 in the loss, which keeps rewards near 0", at_least(0)),
        knob<"reference_dataset_name">(
            &reward_options::reference_dataset_name,
            "demonstrations whose completions get 0 on average: at the end all rewards are shifted", {},
            "The N+ paper's reward bias, over its SFT references. It is kept in the final norm's bias, so that "
            "transformers loads it."));
};

}  // namespace proximal::run
