// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <proximal/run/metrics.hpp>
#include <proximal/run/trainer_state.hpp>
#include <proximal/run/training_options.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace proximal::run {

/// The metric by which a run's best model is told, and which way is up.
///
/// --metric_for_best_model names it, with or without "eval/" (or transformers' "eval_") in front; by default it is
/// eval/scores. --greater_is_better is true unless given or unless the name ends in "loss" or "kl".
struct watched_metric {
    std::string name = "eval/scores";
    bool greater_is_better = true;

    watched_metric() = default;
    explicit watched_metric(training_options const& config) {
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

/// Which evaluation was the best so far, for a run that asks for it: with --load_best_model_at_end,
/// --metric_for_best_model, --early_stopping_patience or a schedule that learns from evaluations. As in transformers, a
/// model is the best only where it was saved.
class best_model {
   public:
    explicit best_model(training_options const& config)
        : watched_(config),
          is_asked_(config.load_best_model_at_end || config.metric_for_best_model || config.early_stopping_patience ||
                    config.lr_scheduler_type == "reduce_lr_on_plateau") {}

    watched_metric const& watched() const { return watched_; }
    /// Before anything is evaluated: throws std::invalid_argument, with the names there will be, where the run is told
    /// to watch another. A name that ends in "/" stands for all that begin so; no names: nothing is known yet.
    void check(std::vector<std::string> const& known) const {
        auto const is_it = [&](std::string const& name) {
            return name == watched_.name || (name.ends_with('/') && watched_.name.starts_with(name));
        };
        if (is_asked_ && !known.empty() && std::none_of(known.begin(), known.end(), is_it)) refuse(known);
    }
    /// Takes an evaluation in, of the update that was the last one then. Throws std::invalid_argument, with the names
    /// there are, where it has not the metric that the run is told to watch.
    void saw(trainer_state const& state, metrics const& measured) {
        auto const* const value = watched_.find(measured);
        if (is_asked_ && value == nullptr) {
            std::vector<std::string> names;
            for (auto const& [name, number] : measured) names.push_back(name);
            refuse(names);
        }
        last_ = value != nullptr ? std::optional(*value) : std::nullopt;
        at_ = state.update;
    }
    /// The metric of this update's evaluation, where it is better than the best of the models that were saved.
    std::optional<double> better_at(trainer_state const& state) const {
        if (!is_asked_ || !last_ || at_ != state.update) return std::nullopt;
        return !state.best_metric || watched_.is_better(*last_, *state.best_metric) ? last_ : std::nullopt;
    }

   private:
    [[noreturn]] void refuse(std::vector<std::string> const& measured) const {
        std::string names;
        for (auto const& name : measured)
            names += (names.empty() ? "" : ", ") + name + (name.ends_with('/') ? "NAME" : "");
        throw std::invalid_argument("--metric_for_best_model: an evaluation measures no " + watched_.name +
                                    "; it measures " + names);
    }

    watched_metric watched_;
    bool is_asked_;
    std::optional<double> last_{};
    std::int64_t at_ = -1;
};

}  // namespace proximal::run
