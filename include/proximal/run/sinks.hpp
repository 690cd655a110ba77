// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <memory>
#include <proximal/run/csv_log.hpp>
#include <proximal/run/metrics_log.hpp>
#include <proximal/run/samples_log.hpp>
#include <proximal/run/tensorboard_log.hpp>
#include <proximal/run/trainer_callback.hpp>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>

namespace proximal::run {

namespace detail {
/// Why a name of --report_to is none of ours.
inline std::string unknown_sink(std::string const& name) {
    static constexpr std::array<std::string_view, 3> replayed{"trackio", "wandb", "mlflow"};
    static constexpr std::array<std::string_view, 9> others{"azure_ml", "clearml", "codecarbon", "comet_ml", "dagshub",
                                                            "dvclive",  "flyte",   "neptune",    "swanlab"};
    auto const is_in = [&](auto const& names) { return std::find(names.begin(), names.end(), name) != names.end(); };
    if (is_in(replayed))
        return "--report_to " + name + " is not written directly: train, then scripts/import_run.py RUN --to " + name +
               " replays the run through " + name + "'s own client";
    if (is_in(others))
        return "--report_to " + name + " is not written: read the files of --report_to tensorboard, or metrics.jsonl";
    return "--report_to does not know '" + name +
           "': write tensorboard, csv, jsonl, all or none, or several with commas";
}
}  // namespace detail

/// The listeners that write a run down, by --report_to: "tensorboard", "csv", "jsonl", "all", "none", or several with
/// commas. metrics.jsonl and samples.jsonl are written whatever it says. Throws std::invalid_argument for another name.
inline callback_list sinks_named(std::string const& report_to) {
    callback_list sinks{std::make_shared<metrics_log>(), std::make_shared<samples_log>()};
    std::set<std::string> asked;
    for (std::size_t at = 0; at <= report_to.size();) {
        auto const end = std::min(report_to.find(',', at), report_to.size());
        auto name = report_to.substr(at, end - at);
        std::erase(name, ' ');
        asked.insert(name);
        at = end + 1;
    }
    bool const all = asked.contains("all");
    for (auto const& name : asked)
        if (name != "tensorboard" && name != "csv" && name != "jsonl" && name != "all" && name != "none")
            throw std::invalid_argument(detail::unknown_sink(name));
    if (asked.contains("none") && asked.size() > 1)
        throw std::invalid_argument("--report_to says none and more: write one of them");
    if (all || asked.contains("tensorboard")) sinks.push_back(std::make_shared<tensorboard_log>());
    if (all || asked.contains("csv")) sinks.push_back(std::make_shared<csv_log>());
    return sinks;
}

}  // namespace proximal::run
