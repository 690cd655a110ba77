// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
#include <numbers>
#include <proximal/run/ppo_config.hpp>
#include <proximal/run/state_archive.hpp>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

namespace proximal::run {

/// The factor on the learning rate of an update, counted from 0: any callable (std::int64_t) -> double. One that learns
/// from the run has a member visit_state(archive) as well, and is saved and resumed with it; copies share what it
/// learnt.
class learning_rate_schedule {
   public:
    learning_rate_schedule() = default;
    template <class Factor>
        requires(!std::same_as<std::remove_cvref_t<Factor>, learning_rate_schedule> &&
                 std::is_invocable_r_v<double, Factor&, std::int64_t>)
    learning_rate_schedule(Factor factor) {
        auto const kept = std::make_shared<Factor>(std::move(factor));
        factor_ = [kept](std::int64_t update) -> double { return (*kept)(update); };
        if constexpr (requires(state_archive & archive) { kept->visit_state(archive); })
            visit_ = [kept](state_archive& archive) { kept->visit_state(archive); };
    }

    double operator()(std::int64_t update) const { return factor_(update); }
    explicit operator bool() const { return factor_ != nullptr; }
    /// Writes or reads what it learnt: nothing, for a function of the update alone.
    void visit_state(state_archive& archive) const {
        if (visit_) visit_(archive);
    }

   private:
    std::function<double(std::int64_t)> factor_;
    std::function<void(state_archive&)> visit_;
};

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
