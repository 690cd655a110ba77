// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <proximal/run/doctor.hpp>
#include <proximal/run/html_report.hpp>
#include <proximal/run/plot_report.hpp>
#include <proximal/run/ppo_config.hpp>
#include <proximal/run/sinks.hpp>
#include <proximal/run/stop_on_signal.hpp>
#include <proximal/run/terminal_report.hpp>
#include <proximal/run/trainer_callback.hpp>

namespace proximal::run {

/// What listens to a program's run, in order: the logs that --report_to names, the doctor, the terminal, the plot, the
/// report (which reads what the logs wrote), and signals last, which end the program.
inline callback_list stock_listeners(PPOv2Config const& config) {
    auto listeners = sinks_named(config.report_to);
    if (config.doctor) listeners.push_back(std::make_shared<doctor>(diagnosed(config)));
    listeners.push_back(std::make_shared<terminal_report>(!config.disable_tqdm));
    listeners.push_back(std::make_shared<plot_report>(
        config.run_name.value_or(fmt::format("{}, seed {}", config.exp_name, config.seed))));
    listeners.push_back(std::make_shared<html_report>());
    listeners.push_back(std::make_shared<stop_on_signal>());
    return listeners;
}

/// Says on stdout what lies in a finished run's folder, a line each.
inline void list_results(std::filesystem::path const& folder) {
    auto const tell = [&](char const* what, char const* name, std::string const& shown) {
        if (std::filesystem::exists(folder / name)) fmt::print("{:<10} {}\n", what, shown);
    };
    tell("policy", "config.json", folder.string());
    for (auto const& [what, name] : {std::pair{"critic", "value_model"},
                                     {"metrics", "metrics.jsonl"},
                                     {"samples", "samples.html"},
                                     {"report", "report.html"},
                                     {"plot", "metrics.png"}})
        tell(what, name, (folder / name).string());
    tell("curves", "runs", "tensorboard --logdir " + folder.string());
}

}  // namespace proximal::run
