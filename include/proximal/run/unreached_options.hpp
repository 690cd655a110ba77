// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <proximal/run/default_flow.hpp>
#include <proximal/run/interval_steps.hpp>
#include <proximal/run/trainer_callback.hpp>
#include <proximal/run/training_options.hpp>
#include <string>
#include <vector>

namespace proximal::run {

/// What a configuration asks for at an update that a run of so many never comes to: a sentence each, with both numbers.
/// Such a run is what TRL would run too, so it is told and not refused. Of --save_steps the default says nothing, as
/// there is a checkpoint at the end; of --eval_delay in passes over the data nothing is known here.
inline std::vector<std::string> unreached_options(training_options const& config, std::int64_t updates) {
    std::vector<std::string> notes;
    auto const note = [&](std::string const& flag, auto const& value, std::string const& so) {
        notes.push_back(fmt::format("--{} {} is beyond the run's {} updates: {}", flag, value, updates, so));
    };
    bool const is_cold = config.lr_scheduler_type == "constant" || config.lr_scheduler_type == "reduce_lr_on_plateau";
    auto const share = static_cast<std::int64_t>(std::ceil(config.warmup_ratio * static_cast<double>(updates)));
    auto const warmup = config.warmup_steps > 0 ? config.warmup_steps : share;
    if (!is_cold && warmup > 0 && warmup >= updates)
        notes.push_back(fmt::format(
            "--{} lets the learning rate rise over {} updates and the run has {}: it never "
            "reaches {}",
            config.warmup_steps > 0 ? "warmup_steps" : "warmup_ratio", warmup, updates, config.learning_rate));
    auto const interval = [&](double steps, char const* flag) { return interval_steps(steps, updates, flag); };
    if (config.logging_strategy == "steps" && config.logging_steps &&
        interval(*config.logging_steps, "logging_steps") > updates)
        note("logging_steps", *config.logging_steps,
             config.logging_first_step ? "the first update alone is logged" : "no update is logged");
    if (config.save_strategy == "steps" && config.save_steps != saving_options().save_steps &&
        interval(config.save_steps, "save_steps") > updates)
        note("save_steps", config.save_steps, "the only checkpoint is the last one");
    if (config.eval_strategy == "steps") {
        double const steps = evaluation_steps(config);
        auto const every = interval(steps, "eval_steps");
        std::string const none =
            config.eval_on_start ? "there is one evaluation, at the start" : "there is no evaluation";
        auto const first =
            every * std::max<std::int64_t>(
                        1, static_cast<std::int64_t>(std::ceil(config.eval_delay / static_cast<double>(every))));
        if (every > updates) note("eval_steps", steps, none);
        else if (first > updates)
            notes.push_back(
                fmt::format("--eval_delay {} puts off the first evaluation to update {} and the run has {}: {}",
                            config.eval_delay, first, updates, none));
    }
    if (config.torch_empty_cache_steps && *config.torch_empty_cache_steps > updates)
        note("torch_empty_cache_steps", *config.torch_empty_cache_steps, "the cache is never released");
    return notes;
}

/// Tells them on stdout, once the run knows how many updates it has.
class unreached_notes final : public trainer_callback {
   public:
    explicit unreached_notes(training_options const& config) : config_(config) {}
    void on_train_begin(trainer_state& state) override {
        for (auto const& note : unreached_options(config_, state.updates)) fmt::print("note       {}\n", note);
    }

   private:
    training_options config_;
};

}  // namespace proximal::run
