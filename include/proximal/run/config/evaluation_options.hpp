// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <proximal/knob.hpp>
#include <string>
#include <string_view>

namespace proximal::run {

/// When held-out prompts are scored, and what follows from the score. TRL's PPO trainer ignores all of these.
struct evaluation_options {
    std::string eval_strategy = "no";
    std::optional<double> eval_steps;
    bool eval_on_start = false;
    double eval_delay = 0;
    bool load_best_model_at_end = false;
    std::optional<std::string> metric_for_best_model;
    std::optional<bool> greater_is_better;
    std::optional<std::int64_t> early_stopping_patience;
    double early_stopping_threshold = 0;

    static constexpr std::string_view concern = "evaluation";
    static constexpr auto knobs = reflect(
        knob<"eval_strategy">(&evaluation_options::eval_strategy, "when held-out prompts are scored",
                              {"no, steps, epoch"}, "TRL's PPO trainer ignores it."),
        knob<"eval_steps">(&evaluation_options::eval_steps,
                           "updates between evaluations; below 1: a share of the run; default: logging_steps", above(0),
                           "TRL's PPO trainer ignores it."),
        knob<"eval_on_start">(&evaluation_options::eval_on_start, "evaluate before the first update", {},
                              "TRL's PPO trainer ignores it."),
        knob<"eval_delay">(&evaluation_options::eval_delay,
                           "updates, or with eval_strategy epoch passes, before the first evaluation", at_least(0),
                           "TRL's PPO trainer ignores it."),
        knob<"load_best_model_at_end">(&evaluation_options::load_best_model_at_end,
                                       "what is saved at the end is the best checkpoint", {},
                                       "It needs an evaluation at each checkpoint. TRL's PPO trainer ignores it."),
        knob<"metric_for_best_model">(&evaluation_options::metric_for_best_model,
                                      "the metric that tells which checkpoint is best", {},
                                      "TRL's PPO trainer ignores it."),
        knob<"greater_is_better">(&evaluation_options::greater_is_better,
                                  "whether a larger metric is better; default: unless its name ends in loss or kl", {},
                                  "TRL's PPO trainer ignores it."),
        knob<"early_stopping_patience">(&evaluation_options::early_stopping_patience,
                                        "evaluations without a better metric after which the run ends", at_least(1),
                                        "Not of TRL: there it is a callback."),
        knob<"early_stopping_threshold">(&evaluation_options::early_stopping_threshold,
                                         "how much better counts as better", at_least(0),
                                         "Not of TRL: there it is a callback."));
};

}  // namespace proximal::run
