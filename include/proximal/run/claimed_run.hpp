// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <proximal/io/atomic_file.hpp>
#include <proximal/run/checkpoint_folder.hpp>
#include <proximal/run/run_directory.hpp>
#include <proximal/run/training_options.hpp>
#include <string>
#include <string_view>

namespace proximal::run {

/// Where a program's run is written, and the checkpoint that it goes on from, if it does. Nothing is touched yet.
struct planned_run {
    std::filesystem::path folder;
    std::optional<std::filesystem::path> checkpoint{};
};

/// Finds both, writes the folder's full name into the configuration, and says on stdout which damaged checkpoints were
/// passed over. Throws as checkpoint_of does.
inline planned_run plan_run(training_options& config) {
    planned_run planned{named_folder(config.output_dir)};
    config.output_dir = planned.folder.string();
    auto const [checkpoint, passed_over] = checkpoint_of(config, planned.folder);
    for (auto const& why : passed_over) fmt::print("note       {}: passed over\n", why);
    planned.checkpoint = checkpoint;
    return planned;
}

/// A run's folder, taken (see run_directory): says on stdout what became of an earlier run, and writes what this one
/// was told into `record_name`, as config_ppo.json.
class claimed_run {
   public:
    claimed_run(training_options const& config, planned_run const& planned, std::string_view record_name,
                nlohmann::json const& record)
        : directory_(planned.folder, fate_of_earlier_run(config, planned.folder, planned.checkpoint)) {
        if (directory_.earlier())
            fmt::print("note       an earlier run in {} was moved to {}\n", planned.folder.string(),
                       directory_.earlier()->string());
        io::write_file(planned.folder / record_name, record.dump(2) + "\n");
    }

   private:
    run_directory directory_;
};

}  // namespace proximal::run
