// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <proximal/lm/distributed/communicator.hpp>
#include <proximal/lm/distributed/gather_text.hpp>
#include <proximal/lm/train/checkpoint.hpp>
#include <proximal/run/claimed_run.hpp>
#include <proximal/run/training_options.hpp>
#include <string>

namespace proximal::lm {

/// run::plan_run of process 0, for all: where the run is written, and the checkpoint that it goes on from. Where that
/// is of another number of processes, the accumulation changes with it: see keep_rows_of_a_step.
inline run::planned_run plan_together(run::training_options& config, communicator& world) {
    std::string told;
    if (world.is_main()) {
        auto const planned = run::plan_run(config);
        told = planned.folder.string() + '\n' + (planned.checkpoint ? planned.checkpoint->string() : "");
    }
    told = share_text(told, world);
    auto const end = told.find('\n');
    run::planned_run planned{told.substr(0, end)};
    if (end + 1 < told.size()) planned.checkpoint = told.substr(end + 1);
    config.output_dir = planned.folder.string();
    if (planned.checkpoint && keep_rows_of_a_step(config, *planned.checkpoint, world.world_size()))
        fmt::print(
            "note       --gradient_accumulation_steps is {} with {} processes, which keeps the checkpoint's rows "
            "per optimizer step\n",
            config.gradient_accumulation_steps, world.world_size());
    return planned;
}

}  // namespace proximal::lm
