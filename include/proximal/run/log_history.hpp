// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <proximal/run/metrics.hpp>
#include <proximal/run/trainer_state.hpp>
#include <stdexcept>
#include <utility>
#include <vector>

namespace proximal::run {

/// Every point that a run has logged, as transformers' `log_history`: {"step": 3, "objective/kl": 0.1, ...}, as they
/// were measured. A number that is not finite is null.
class log_history {
   public:
    log_history() = default;
    /// That of a trainer_state.json. Throws std::invalid_argument where it is no list of objects.
    explicit log_history(nlohmann::ordered_json const& trainer_state) {
        auto const is_point = [](auto const& point) { return point.is_object() && point.value("step", -1) >= 0; };
        if (trainer_state.contains("log_history")) points_ = trainer_state["log_history"];
        if (!points_.is_array() || !std::all_of(points_.begin(), points_.end(), is_point))
            throw std::invalid_argument("the key \"log_history\" holds no list of points");
    }

    void add(trainer_state const& state, metrics const& logged) {
        nlohmann::ordered_json point{{"step", state.update}};
        for (auto const& [name, value] : logged)
            point[name] = std::isfinite(value) ? nlohmann::ordered_json(value) : nlohmann::ordered_json();
        points_.push_back(std::move(point));
    }
    nlohmann::ordered_json const& points() const { return points_; }

   private:
    nlohmann::ordered_json points_ = nlohmann::ordered_json::array();
};

/// What a checkpoint's trainer_state.json says of a run, under transformers' names.
inline nlohmann::ordered_json trainer_state_json(trainer_state const& state, log_history const& history) {
    using json = nlohmann::ordered_json;
    auto const or_null = [](bool is_there, auto const& value) { return is_there ? json(value) : json(); };
    return {
        {"global_step", state.update},
        {"max_steps", state.updates},
        {"epoch", state.epoch},
        {"episode", state.episode},
        {"best_metric", or_null(state.best_metric.has_value(), state.best_metric.value_or(0.0))},
        {"best_model_checkpoint", or_null(!state.best_model_checkpoint.empty(), state.best_model_checkpoint.string())},
        {"log_history", history.points()}};
}

/// The history in a checkpoint's folder. Throws std::runtime_error, naming the file, where it cannot be read or holds
/// none.
inline log_history read_log_history(std::filesystem::path const& checkpoint) {
    auto const file = checkpoint / "trainer_state.json";
    std::ifstream in(file, std::ios::binary);
    auto const state = nlohmann::ordered_json::parse(in, nullptr, /*allow_exceptions=*/false);
    try {
        if (!state.is_object()) throw std::invalid_argument("is no JSON object");
        return log_history(state);
    } catch (std::exception const& error) {
        throw std::runtime_error(file.string() + " is damaged: " + error.what());
    }
}

/// A point of a log: an update, or an evaluation after it.
struct logged_point {
    std::int64_t update = 0;
    metrics numbers{};
};

/// What a run had logged before the checkpoint that it goes on from: what a log begins with in another folder than that
/// checkpoint's. None for a run that was not resumed, and where the checkpoint keeps no history.
inline std::vector<logged_point> earlier_points(trainer_state const& state) {
    std::vector<logged_point> points;
    if (state.resumed_from.empty() || !std::filesystem::exists(state.resumed_from / "trainer_state.json"))
        return points;
    auto const history = read_log_history(state.resumed_from);
    for (auto const& logged : history.points()) {
        logged_point point{logged["step"].get<std::int64_t>()};
        for (auto const& [name, value] : logged.items())
            if (name != "step" && (value.is_number() || value.is_null()))
                point.numbers.set(name, value.is_null() ? std::nan("") : value.get<double>());
        if (point.update <= state.update) points.push_back(std::move(point));
    }
    return points;
}

}  // namespace proximal::run
