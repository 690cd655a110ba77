// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <proximal/knob.hpp>
#include <string>
#include <string_view>

namespace proximal::run {

/// What is trained, and what scores.
struct model_options {
    std::optional<std::string> model_name_or_path;
    std::optional<std::string> sft_model_path;
    std::optional<std::string> reward_model_path;
    std::optional<std::string> reward_command;
    double reward_timeout = 600.0;
    bool offload_reference = false;
    bool offload_reward = false;

    static constexpr std::string_view concern = "models and reward";
    static constexpr auto knobs = reflect(
        knob<"model_name_or_path">(&model_options::model_name_or_path, "folder or Hub id of the tokenizer"),
        knob<"sft_model_path">(
            &model_options::sft_model_path, "folder or Hub id of policy and reference", {},
            "TRL's default is EleutherAI/pythia-160m; here none: with no model and no data the program makes its own."),
        knob<"reward_model_path">(&model_options::reward_model_path, "folder or Hub id of reward model and critic", {},
                                  "TRL's default is EleutherAI/pythia-160m; here none."),
        knob<"reward_command">(&model_options::reward_command, "a program that scores answers, in JSON lines"),
        knob<"reward_timeout">(&model_options::reward_timeout,
                               "seconds that the program may take for a batch, its start included", above(0)),
        knob<"offload_reference">(&model_options::offload_reference,
                                  "keep the reference in the host's memory but while it is asked", {}, "Not of TRL."),
        knob<"offload_reward">(&model_options::offload_reward,
                               "keep the reward model in the host's memory but while it is asked", {}, "Not of TRL."));
};

}  // namespace proximal::run
