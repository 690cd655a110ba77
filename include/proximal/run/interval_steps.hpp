// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <stdexcept>
#include <string_view>

namespace proximal::run {

/// The updates between two events (logging_steps, save_steps, eval_steps): below 1 it is a share of the run, rounded
/// up; at least 1 update. Source: transformers 4.45, TrainerState.compute_steps.
/// Throws std::invalid_argument naming the flag where it is not positive, or 1 or more and not whole.
inline std::int64_t interval_steps(double steps, std::int64_t updates, std::string_view flag) {
    if (!(steps > 0.0) || (steps >= 1.0 && steps != std::floor(steps)) || steps > 9e15)
        throw std::invalid_argument(fmt::format(
            "--{} is {}: give a whole number of updates, or a share of the run between 0 and 1", flag, steps));
    if (steps >= 1.0) return static_cast<std::int64_t>(steps);
    return std::max<std::int64_t>(1, static_cast<std::int64_t>(std::ceil(static_cast<double>(updates) * steps)));
}

}  // namespace proximal::run
