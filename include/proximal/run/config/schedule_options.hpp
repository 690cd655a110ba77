// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <proximal/knob.hpp>
#include <string>
#include <string_view>

namespace proximal::run {

/// How the learning rate changes over the updates.
struct schedule_options {
    std::string lr_scheduler_type = "linear";
    std::string lr_scheduler_kwargs = "{}";
    double warmup_ratio = 0.0;
    std::int64_t warmup_steps = 0;

    static constexpr std::string_view concern = "the schedule";
    static constexpr auto knobs = reflect(
        knob<"lr_scheduler_type">(&schedule_options::lr_scheduler_type, "how the rate falls",
                                  {"linear, cosine, cosine_with_restarts, polynomial, constant, constant_with_warmup, "
                                   "inverse_sqrt, reduce_lr_on_plateau, cosine_with_min_lr, warmup_stable_decay"},
                                  "reduce_lr_on_plateau looks at metric_for_best_model at each evaluation. "
                                  "warmup_stable_decay needs num_stable_steps and num_decay_steps in "
                                  "lr_scheduler_kwargs, cosine_with_min_lr needs min_lr or min_lr_rate."),
        knob<"lr_scheduler_kwargs">(
            &schedule_options::lr_scheduler_kwargs, "further numbers of the schedule, a JSON dictionary", {},
            "cosine and cosine_with_restarts: num_cycles; polynomial: lr_end, power; inverse_sqrt: timescale; "
            "cosine_with_min_lr: num_cycles and min_lr or min_lr_rate; warmup_stable_decay: num_stable_steps, "
            "num_decay_steps, min_lr_ratio, num_cycles; reduce_lr_on_plateau: mode, factor, patience, threshold, "
            "threshold_mode, cooldown, min_lr, eps."),
        knob<"warmup_ratio">(&schedule_options::warmup_ratio, "share of the updates in which the rate rises",
                             between(0, 1)),
        knob<"warmup_steps">(&schedule_options::warmup_steps, "updates in which the rate rises; overrides warmup_ratio",
                             at_least(0)));
};

}  // namespace proximal::run
