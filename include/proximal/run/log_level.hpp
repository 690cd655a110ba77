// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdio>
#include <proximal/run/training_options.hpp>

namespace proximal::run {

/// Says as much on the terminal as --log_level asks for: from "warning" on nothing but what goes wrong, which is on
/// stderr; "passive", "debug" and "info" say everything. Files are written whatever it is.
inline void set_log_level(training_options& config) {
    auto const& level = config.log_level;
    if (level != "warning" && level != "error" && level != "critical") return;
    config.disable_tqdm = true;
    if (level != "warning") config.doctor = false;
    [[maybe_unused]] auto* const silent = std::freopen("/dev/null", "w", stdout);
}

}  // namespace proximal::run
