// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <proximal/run/metrics.hpp>
#include <proximal/run/ppo_config.hpp>
#include <stdexcept>
#include <string>
#include <string_view>

namespace proximal::run {

/// The metric by which a run's best model is told, and which way is up.
///
/// --metric_for_best_model names it, with or without "eval/" (or transformers' "eval_") in front; by default it is
/// eval/scores. --greater_is_better is true unless given or unless the name ends in "loss" or "kl".
struct watched_metric {
    std::string name = "eval/scores";
    bool greater_is_better = true;

    watched_metric() = default;
    explicit watched_metric(PPOv2Config const& config) {
        std::string_view given =
            config.metric_for_best_model ? *config.metric_for_best_model : std::string_view("scores");
        if (given.starts_with("eval/") || given.starts_with("eval_")) given.remove_prefix(5);
        name = "eval/" + std::string(given);
        greater_is_better = config.greater_is_better.value_or(!name.ends_with("loss") && !name.ends_with("kl"));
    }
    /// Its value among an evaluation's metrics, or null.
    double const* find(metrics const& measured) const { return measured.find(name); }
    bool is_better(double value, double than) const { return greater_is_better ? value > than : value < than; }
};

}  // namespace proximal::run
