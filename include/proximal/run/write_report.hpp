// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <proximal/io/atomic_file.hpp>
#include <proximal/run/recorded_run.hpp>
#include <proximal/run/run_group.hpp>
#include <proximal/run/run_report.hpp>
#include <proximal/run/samples_page.hpp>
#include <utility>
#include <vector>

namespace proximal::run {

/// Writes FOLDER/report.html, and FOLDER/samples.html where the run has samples, from what the run has written there:
/// while it goes on, or of an old run. Throws std::invalid_argument where the folder holds no run.
inline void write_report(std::filesystem::path const& folder) {
    auto run = read_run(folder);
    bool const sampled = !run.samples.empty();
    if (sampled) io::write_file(folder / "samples.html", samples_page(run));
    io::write_file(folder / "report.html", run_report(group_runs({std::move(run)}), sampled ? "samples.html" : ""));
}

}  // namespace proximal::run
