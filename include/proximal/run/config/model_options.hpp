// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <proximal/knob.hpp>
#include <string>
#include <string_view>

namespace proximal::run {

/// What is trained, what scores, and on which prompts.
struct model_options {
    std::optional<std::string> model_name_or_path;
    std::optional<std::string> sft_model_path;
    std::optional<std::string> reward_model_path;
    std::optional<std::string> reward_command;
    double reward_timeout = 600.0;
    std::optional<std::string> dataset_name;
    std::optional<std::uint64_t> data_seed;
    bool group_by_length = false;
    double eval_fraction = 0.05;

    static constexpr std::string_view concern = "models and data";
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
        knob<"dataset_name">(&model_options::dataset_name,
                             "JSON lines file, or a folder of train.jsonl [validation.jsonl]"),
        knob<"data_seed">(&model_options::data_seed, "seed of the data's order; default: seed", {},
                          "TRL's PPO trainer ignores it."),
        knob<"group_by_length">(&model_options::group_by_length, "prompts of similar length share a batch", {},
                                "TRL's PPO trainer ignores it."),
        knob<"eval_fraction">(&model_options::eval_fraction, "share held out where the data name no validation split",
                              {0, 1, false, true}));
};

}  // namespace proximal::run
