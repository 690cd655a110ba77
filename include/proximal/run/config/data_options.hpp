// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <proximal/knob.hpp>
#include <string>
#include <string_view>

namespace proximal::run {

/// Which data a run is given, what of them is held out, and how they become tokens.
struct data_options {
    std::optional<std::string> dataset_name;
    std::string dataset_train_split = "train";
    std::optional<std::string> dataset_test_split;
    std::optional<std::string> query_format;
    std::optional<std::int64_t> max_prompt_length;
    std::optional<std::int64_t> dataset_num_proc;
    std::optional<std::uint64_t> data_seed;
    bool group_by_length = false;
    double eval_fraction = 0.05;

    static constexpr std::string_view concern = "data";
    static constexpr auto knobs = reflect(
        knob<"dataset_name">(&data_options::dataset_name,
                             "file of JSON lines, JSON, CSV or Parquet, a folder of splits, or a Hub id"),
        knob<"dataset_train_split">(&data_options::dataset_train_split, "the split that is trained on"),
        knob<"dataset_test_split">(&data_options::dataset_test_split,
                                   "the split that is held out; default: validation, else test, if there"),
        knob<"query_format">(
            &data_options::query_format,
            "a prompt's text with {columns} in it, or tldr: the N+ paper's of subreddit, title and post", {},
            "With tldr and --max_prompt_length a post that is too long is cut at its last line break, as often as need "
            "be. Default: the column prompt, or a conversation."),
        knob<"max_prompt_length">(&data_options::max_prompt_length,
                                  "prompts of more tokens are left out and counted; default: none are", at_least(1),
                                  "Prompts that do not fit the models with a response are always left out."),
        knob<"dataset_num_proc">(&data_options::dataset_num_proc, "threads that tokenize; default: all cores",
                                 at_least(1), "TRL's are processes, by default one."),
        knob<"data_seed">(&data_options::data_seed, "seed of the data's order; default: seed", {},
                          "TRL's PPO trainer ignores it."),
        knob<"group_by_length">(&data_options::group_by_length, "prompts of similar length share a batch", {},
                                "TRL's PPO trainer ignores it."),
        knob<"eval_fraction">(&data_options::eval_fraction, "share held out where the data name no validation split",
                              {0, 1, false, true}));
};

}  // namespace proximal::run
