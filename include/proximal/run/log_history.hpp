// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <nlohmann/json.hpp>
#include <proximal/io/json_file.hpp>
#include <proximal/run/metrics.hpp>
#include <proximal/run/trainer_state.hpp>
#include <utility>

namespace proximal::run {

/// Every point that a run has logged, as transformers' `log_history`: {"step": 3, "objective/kl": 0.1, ...}. A number
/// that is not finite is null.
class log_history {
   public:
    log_history() = default;
    /// That of a trainer_state.json. Throws std::invalid_argument where it is no list.
    explicit log_history(nlohmann::json const& trainer_state)
        : points_(io::value_or(trainer_state, "log_history", nlohmann::json::array_t())) {}

    void add(trainer_state const& state, metrics const& logged) {
        nlohmann::json point{{"step", state.update}};
        for (auto const& [name, value] : logged)
            point[name] = std::isfinite(value) ? nlohmann::json(value) : nlohmann::json();
        points_.push_back(std::move(point));
    }
    nlohmann::json const& points() const { return points_; }

   private:
    nlohmann::json points_ = nlohmann::json::array();
};

/// What a checkpoint's trainer_state.json says of a run, under transformers' names.
inline nlohmann::json trainer_state_json(trainer_state const& state, log_history const& history) {
    auto const or_null = [](bool is_there, auto const& value) { return is_there ? nlohmann::json(value) : nullptr; };
    return {
        {"global_step", state.update},
        {"max_steps", state.updates},
        {"epoch", state.epoch},
        {"episode", state.episode},
        {"best_metric", or_null(state.best_metric.has_value(), state.best_metric.value_or(0.0))},
        {"best_model_checkpoint", or_null(!state.best_model_checkpoint.empty(), state.best_model_checkpoint.string())},
        {"log_history", history.points()}};
}

}  // namespace proximal::run
