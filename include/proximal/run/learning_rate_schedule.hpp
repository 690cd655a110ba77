// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <numbers>
#include <proximal/run/ppo_config.hpp>
#include <stdexcept>
#include <string>

namespace proximal::run {

/// The factor on the learning rate of an update, counted from 0.
using learning_rate_schedule = std::function<double(std::int64_t update)>;

/// Hugging Face's schedules by name (`lr_scheduler_type`), over `updates` updates of which `warmup` rise linearly from
/// 0.
///
///     linear                  1 → 0, reached one update after the last
///     cosine                  ½ (1 + cos π·progress)
///     constant                1, and no warm-up
///     constant_with_warmup    1 after the warm-up
///
/// Source: transformers 4.45, optimization.py. Throws std::invalid_argument for another name.
inline learning_rate_schedule schedule_by_name(std::string const& name, std::int64_t updates, std::int64_t warmup) {
    auto const rise = [warmup](std::int64_t update) {
        return static_cast<double>(update) / static_cast<double>(std::max<std::int64_t>(1, warmup));
    };
    auto const progress = [updates, warmup](std::int64_t update) {
        return static_cast<double>(update - warmup) / static_cast<double>(std::max<std::int64_t>(1, updates - warmup));
    };
    if (name == "constant") return [](std::int64_t) { return 1.0; };
    if (name == "constant_with_warmup") return [=](std::int64_t u) { return u < warmup ? rise(u) : 1.0; };
    if (name == "linear")
        return [=](std::int64_t u) { return u < warmup ? rise(u) : std::max(0.0, 1.0 - progress(u)); };
    if (name == "cosine")
        return [=](std::int64_t u) {
            return u < warmup ? rise(u) : std::max(0.0, 0.5 * (1.0 + std::cos(std::numbers::pi * progress(u))));
        };
    throw std::invalid_argument("--lr_scheduler_type " + name +
                                " is not known: choose linear, cosine, constant or constant_with_warmup");
}

/// The schedule that a configuration names. `warmup_steps` rules over `warmup_ratio`, as in transformers.
inline learning_rate_schedule configured_schedule(PPOv2Config const& config, std::int64_t updates) {
    auto const share = static_cast<std::int64_t>(std::ceil(config.warmup_ratio * static_cast<double>(updates)));
    return schedule_by_name(config.lr_scheduler_type, updates, config.warmup_steps > 0 ? config.warmup_steps : share);
}

}  // namespace proximal::run
