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
#include <proximal/run/unreached_options.hpp>
#include <string>
#include <vector>

namespace proximal::run {

/// What listens to a program's run, in order: the logs that --report_to names, who watches, notes on what the run will
/// not come to, the terminal, a plot of some metrics, the report (which reads what was written before), and signals
/// last, which end the program.
inline callback_list training_listeners(training_options const& config, std::vector<std::string> const& plotted,
                                        callback_list const& watching = {}) {
    auto listeners = sinks_named(config.report_to);
    listeners.insert(listeners.end(), watching.begin(), watching.end());
    listeners.push_back(std::make_shared<unreached_notes>(config));
    listeners.push_back(std::make_shared<terminal_report>(!config.disable_tqdm));
    listeners.push_back(std::make_shared<plot_report>(
        config.run_name.value_or(fmt::format("{}, seed {}", config.exp_name, config.seed)), plotted));
    listeners.push_back(std::make_shared<html_report>());
    listeners.push_back(std::make_shared<stop_on_signal>());
    return listeners;
}

/// The same of a PPO run; the doctor watches it.
inline callback_list stock_listeners(PPOv2Config const& config) {
    callback_list watching;
    if (config.doctor) watching.push_back(std::make_shared<doctor>(diagnosed(config)));
    return training_listeners(config, plot_report::main_metrics(), watching);
}

/// Says on stdout what lies in a finished run's folder, a line each; `model` is what its own files are called.
inline void list_results(std::filesystem::path const& folder, char const* model = "policy") {
    auto const tell = [&](char const* what, char const* name, std::string const& shown) {
        if (std::filesystem::exists(folder / name)) fmt::print("{:<10} {}\n", what, shown);
    };
    tell(model, "config.json", folder.string());
    for (auto const& [what, name] : {std::pair{"critic", "value_model"},
                                     {"metrics", "metrics.jsonl"},
                                     {"samples", "samples.html"},
                                     {"report", "report.html"},
                                     {"plot", "metrics.png"}})
        tell(what, name, (folder / name).string());
    tell("curves", "runs", "tensorboard --logdir " + folder.string());
}

}  // namespace proximal::run
