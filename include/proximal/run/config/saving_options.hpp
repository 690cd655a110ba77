// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <proximal/knob.hpp>
#include <string>
#include <string_view>

namespace proximal::run {

/// What is kept while a run goes on, and how it is taken up again.
struct saving_options {
    std::string output_dir = "models/minimal/ppo";
    bool overwrite_output_dir = false;
    std::string save_strategy = "steps";
    double save_steps = 500;
    std::optional<std::int64_t> save_total_limit;
    bool save_only_model = false;
    std::optional<std::string> resume_from_checkpoint;
    bool ignore_data_skip = false;

    static constexpr std::string_view concern = "saving";
    static constexpr auto knobs = reflect(
        knob<"output_dir">(&saving_options::output_dir, "where the run is written", {}, "TRL has no default."),
        knob<"overwrite_output_dir">(&saving_options::overwrite_output_dir,
                                     "delete an earlier run in output_dir instead of moving it aside"),
        knob<"save_strategy">(&saving_options::save_strategy, "when checkpoints are written", {"no, steps, epoch"}),
        knob<"save_steps">(&saving_options::save_steps, "updates between checkpoints; below 1: a share of the run",
                           above(0)),
        knob<"save_total_limit">(&saving_options::save_total_limit, "checkpoints that are kept; default: all",
                                 at_least(1), "The best one and the last one stay."),
        knob<"save_only_model">(&saving_options::save_only_model,
                                "checkpoints hold the models alone, and cannot be resumed from"),
        knob<"resume_from_checkpoint">(&saving_options::resume_from_checkpoint,
                                       "take up a run again: true, auto or a checkpoint's folder", {},
                                       "true takes the last checkpoint in output_dir and refuses where there is none; "
                                       "auto starts anew there. TRL's PPO trainer ignores it."),
        knob<"ignore_data_skip">(&saving_options::ignore_data_skip, "a resumed run starts its data from the beginning",
                                 {}, "TRL's PPO trainer ignores it."));
};

}  // namespace proximal::run
