// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <proximal/run/line_log.hpp>
#include <proximal/run/plot.hpp>
#include <proximal/run/progress_bar.hpp>
#include <proximal/run/trainer_callback.hpp>
#include <string>
#include <utility>
#include <vector>

namespace proximal::run {

/// Keeps the main metrics of a run and draws them: OUTPUT_DIR/metrics.png, and the reward on the terminal. A resumed
/// run's earlier points come from its metrics.jsonl.
class plot_report final : public trainer_callback {
   public:
    /// Of PPO's metrics, or of those named: the first is drawn on the terminal.
    explicit plot_report(std::string title = {}, std::vector<std::string> const& names = main_metrics())
        : title_(std::move(title)) {
        for (auto const& name : names) curves_.push_back({name, {}, {}});
    }
    /// What tells of a PPO run.
    static std::vector<std::string> main_metrics() {
        return {"objective/rlhf_reward", "objective/scores",    "objective/kl",
                "objective/entropy",     "policy/approxkl_avg", "policy/clipfrac_avg",
                "loss/policy_avg",       "loss/value_avg",      "val/ratio"};
    }
    void on_train_begin(trainer_state& state) override {
        if (state.update == 0) return;
        for (auto const& line : whole_lines(state.output_dir / "metrics.jsonl")) {
            auto const logged = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
            if (!logged.is_object() || !logged.contains("episode") || !logged["episode"].is_number()) continue;
            if (logged["episode"] > state.episode) continue;
            for (auto& c : curves_)
                if (auto const value = logged.find(c.title); value != logged.end()) {
                    c.x.push_back(logged["episode"].get<double>());
                    c.y.push_back(value->is_number() ? value->get<double>() : std::nan(""));
                }
        }
    }
    void on_log(trainer_state& state, metrics const& logged) override {
        for (auto& c : curves_)
            if (auto const* const value = logged.find(c.title)) {
                c.x.push_back(static_cast<double>(state.episode));
                c.y.push_back(*value);
            }
    }
    void on_train_end(trainer_state& state) override {
        auto const file = state.output_dir / "metrics.png";
        if (curves_.front().x.size() < 2) return;  // a single point draws no curve
        plot_terminal(curves_.front(), "episode", std::min(100, terminal_width(stdout)));
        std::erase_if(curves_, [](curve const& c) { return c.x.empty(); });  // what the algorithm does not measure
        drawn_ = plot_png(curves_, title_, "episode", file);
    }
    /// Whether the picture was written: gnuplot may be missing.
    bool drawn() const { return drawn_; }
    /// What was kept, a curve per metric.
    std::vector<curve> const& curves() const { return curves_; }

   private:
    std::string title_;
    std::vector<curve> curves_;
    bool drawn_ = false;
};

}  // namespace proximal::run
