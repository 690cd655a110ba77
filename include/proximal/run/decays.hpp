// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <optional>
#include <proximal/knob.hpp>
#include <stdexcept>

namespace proximal::run {

/// What a schedule is laid out over: the updates of a run, those in which the rate rises, and the rate at the start.
struct schedule_span {
    std::int64_t updates;
    std::int64_t warmup = 0;
    double learning_rate = 1.0;

    /// The share of the updates after the warm-up that lies behind.
    double progress(std::int64_t update) const {
        return static_cast<double>(update - warmup) / static_cast<double>(std::max<std::int64_t>(1, updates - warmup));
    }
};

// How the factor on the learning rate goes on after the warm-up, each a function of span and update, its knobs the keys
// of lr_scheduler_kwargs. Source: transformers 4.45, optimization.py.

/// max(0, ½ (1 + cos angle))
inline double half_cosine(double angle) { return std::max(0.0, 0.5 * (1.0 + std::cos(angle))); }

/// 1
struct constant_rate {
    static constexpr auto knobs = reflect();
    double operator()(schedule_span const&, std::int64_t) const { return 1.0; }
};

/// 1 → 0, reached one update after the last.
struct linear_decay {
    static constexpr auto knobs = reflect();
    double operator()(schedule_span const& span, std::int64_t update) const {
        return std::max(0.0, static_cast<double>(span.updates - update) /
                                 static_cast<double>(std::max<std::int64_t>(1, span.updates - span.warmup)));
    }
};

/// ½ (1 + cos 2π·num_cycles·progress): with half a cycle from 1 to 0.
struct cosine_decay {
    double num_cycles = 0.5;
    static constexpr auto knobs = reflect(knob<"num_cycles">(&cosine_decay::num_cycles, "waves", above(0)));
    double operator()(schedule_span const& span, std::int64_t update) const {
        return half_cosine(std::numbers::pi * num_cycles * 2.0 * span.progress(update));
    }
};

/// num_cycles times from 1 to 0, each a half cosine.
struct cosine_restarts {
    std::int64_t num_cycles = 1;
    static constexpr auto knobs = reflect(knob<"num_cycles">(&cosine_restarts::num_cycles, "restarts", at_least(1)));
    double operator()(schedule_span const& span, std::int64_t update) const {
        auto const progress = span.progress(update);
        return progress >= 1.0
                   ? 0.0
                   : half_cosine(std::numbers::pi * std::fmod(static_cast<double>(num_cycles) * progress, 1.0));
    }
};

/// ½ (1 + cos 2π·num_cycles·progress), of what lies above a lowest rate: min_lr, or min_lr_rate of the rate at the
/// start.
struct cosine_to_min_lr {
    double num_cycles = 0.5;
    std::optional<double> min_lr, min_lr_rate;
    static constexpr auto knobs = reflect(
        knob<"num_cycles">(&cosine_to_min_lr::num_cycles, "waves", above(0)),
        knob<"min_lr">(&cosine_to_min_lr::min_lr, "the lowest rate", at_least(0)),
        knob<"min_lr_rate">(&cosine_to_min_lr::min_lr_rate, "the lowest rate, as a share of the first", at_least(0)));
    void check_knobs() const {
        if (min_lr.has_value() == min_lr_rate.has_value())
            throw std::invalid_argument("cosine_with_min_lr needs min_lr or min_lr_rate, and not both");
    }
    double operator()(schedule_span const& span, std::int64_t update) const {
        double const lowest = min_lr ? *min_lr / span.learning_rate : *min_lr_rate;
        double const wave = 0.5 * (1.0 + std::cos(std::numbers::pi * num_cycles * 2.0 * span.progress(update)));
        return std::max(0.0, wave * (1.0 - lowest) + lowest);
    }
};

/// From 1 to lr_end over the rate at the start, by a power of what remains.
struct polynomial_decay {
    double lr_end = 1e-7, power = 1.0;
    static constexpr auto knobs =
        reflect(knob<"lr_end">(&polynomial_decay::lr_end, "the last rate", at_least(0)),
                knob<"power">(&polynomial_decay::power, "power of the share that remains", at_least(0)));
    void check_span(schedule_span const& span) const {
        if (!(span.learning_rate > lr_end))
            throw std::invalid_argument("lr_end must be below --learning_rate: polynomial falls to it");
    }
    double operator()(schedule_span const& span, std::int64_t update) const {
        auto const updates = span.updates - span.warmup;
        if (update > span.updates || updates == 0) return lr_end / span.learning_rate;
        double const remaining = 1.0 - static_cast<double>(update - span.warmup) / static_cast<double>(updates);
        return ((span.learning_rate - lr_end) * std::pow(remaining, power) + lr_end) / span.learning_rate;
    }
};

/// 1 / √((update - warmup + timescale) / timescale). Departure: transformers passes no timescale on.
struct inverse_sqrt_decay {
    std::optional<std::int64_t> timescale;  // default: the warm-up, or 10000 without one
    static constexpr auto knobs = reflect(
        knob<"timescale">(&inverse_sqrt_decay::timescale, "updates after which half the square is left", at_least(1)));
    double operator()(schedule_span const& span, std::int64_t update) const {
        auto const scale = timescale.value_or(span.warmup > 0 ? span.warmup : 10000);
        return 1.0 / std::sqrt(static_cast<double>(update + scale - span.warmup) / static_cast<double>(scale));
    }
};

/// 1 for num_stable_steps, then a cosine over num_decay_steps to min_lr_ratio, and that for ever.
struct stable_decay {
    std::optional<std::int64_t> num_stable_steps, num_decay_steps;
    double min_lr_ratio = 0.0, num_cycles = 0.5;
    static constexpr auto knobs = reflect(
        knob<"num_stable_steps">(&stable_decay::num_stable_steps, "updates at the full rate", at_least(0)),
        knob<"num_decay_steps">(&stable_decay::num_decay_steps, "updates in which it falls", at_least(0)),
        knob<"min_lr_ratio">(&stable_decay::min_lr_ratio, "the last rate, as a share of the first", at_least(0)),
        knob<"num_cycles">(&stable_decay::num_cycles, "waves", above(0)));
    void check_knobs() const {
        if (!num_stable_steps || !num_decay_steps)
            throw std::invalid_argument("warmup_stable_decay needs num_stable_steps and num_decay_steps");
    }
    double operator()(schedule_span const& span, std::int64_t update) const {
        auto const since = update - span.warmup - *num_stable_steps;
        if (since < 0) return 1.0;
        if (since >= *num_decay_steps) return min_lr_ratio;
        auto const progress = static_cast<double>(since) / static_cast<double>(*num_decay_steps);
        return (1.0 - min_lr_ratio) * half_cosine(std::numbers::pi * num_cycles * 2.0 * progress) + min_lr_ratio;
    }
};

}  // namespace proximal::run
