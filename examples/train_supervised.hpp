// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <optional>
#include <proximal/io/stop_signal.hpp>
#include <proximal/libtorch/device.hpp>
#include <proximal/lm/distributed/configured_communication.hpp>
#include <proximal/lm/distributed/main_first.hpp>
#include <proximal/lm/distributed/run_processes.hpp>
#include <proximal/lm/train/plan_together.hpp>
#include <proximal/lm/train/supervised_inputs.hpp>
#include <proximal/lm/train/supervised_trainer.hpp>
#include <proximal/run/claimed_run.hpp>
#include <proximal/run/log_level.hpp>
#include <proximal/run/stock_listeners.hpp>
#include <proximal/run/training_command_line.hpp>
#include <string>
#include <vector>

#include "data_formats.hpp"
#include "processes.hpp"

namespace examples {

/// What sft and reward share: parse, load, train. `at_end(objective, device)` sees the trained model, and what it
/// changes is saved. `idle`: the fields that the program does not read.
template <class Config, class AtEnd>
int train_supervised(char const* name, std::string const& about, std::vector<std::string> const& arguments,
                     proximal::lm::rendezvous& meeting, proximal::run::refused_flags const& idle,
                     std::vector<std::string> const& plotted, AtEnd const& at_end) {
    namespace px = proximal;
    Config config;
    auto const given = px::run::read_training_command_line(config, about, arguments, idle);
    if (!given) return 0;
    px::run::set_log_level(config);
    auto const device = px::libtorch::choose_device(config.use_cpu, meeting.launched().local_rank);
    auto const world = meeting.open(device, px::lm::configured_communication(config));
    fmt::print("Proximal: {} on {}{}\n", name, device.str(), processes_of(*world));
    config.disable_tqdm = config.disable_tqdm || !world->is_main();
    auto const objective =
        px::lm::main_first(*world, [&] { return px::lm::configured_objective(config, device, data_formats()); });
    auto const planned = px::lm::plan_together(config, *world);
    px::lm::supervised_trainer trainer({.config = config,
                                        .objective = objective,
                                        .group_by_length = config.group_by_length,
                                        .data_seed = config.data_seed,
                                        .callbacks = px::run::training_listeners(config, plotted),
                                        .world = world});
    if (planned.checkpoint) trainer.resume(*planned.checkpoint);
    std::optional<px::run::claimed_run> claimed;
    if (world->is_main())
        claimed.emplace(config, planned, fmt::format("config_{}.json", name),
                        px::run::training_record(config, *given, idle));
    px::io::stop_signals const signals(world->is_main());
    fmt::print("run        {} updates of {} rows, in {}\n", trainer.state().updates, trainer.batch_size(),
               planned.folder.string());
    if (planned.checkpoint)
        fmt::print("resumed    after {} updates, from {}\n", trainer.state().update, planned.checkpoint->string());
    fmt::print("\n");
    trainer.train();
    {
        px::lm::whole_parameters const whole(trainer.units());
        if (at_end(config, *objective) && world->is_main()) objective->save(planned.folder);
    }
    fmt::print("\n");
    px::run::list_results(planned.folder, "model");
    return 0;
}

}  // namespace examples
