// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <proximal/run/event_file.hpp>
#include <proximal/run/plot.hpp>
#include <proximal/run/progress_bar.hpp>
#include <proximal/run/stopwatch.hpp>
#include <proximal/run/trainer_callback.hpp>
#include <stdexcept>
#include <string>
#include <vector>

namespace proximal::run {

/// Appends each update's metrics to OUTPUT_DIR/metrics.jsonl, a JSON object a line, flushed at once. A number that is
/// not finite becomes null, as JSON has no NaN.
class metrics_log final : public trainer_callback {
   public:
    void on_train_begin(trainer_state& state) override {
        path_ = state.output_dir / "metrics.jsonl";
        out_.open(path_, std::ios::trunc);
    }
    void on_log(trainer_state& state, metrics const& logged) override {
        // an object keeps no order, and a reader of the file likes TRL's
        out_ << fmt::format("{{\"update\":{}", state.update);
        for (auto const& [name, value] : logged)
            out_ << ',' << nlohmann::json(name).dump() << ':'
                 << (std::isfinite(value) ? fmt::format("{}", value) : "null");
        out_ << '}' << std::endl;
        if (!out_) throw std::runtime_error(path_.string() + " cannot be written: check permissions and free space");
    }

   private:
    std::filesystem::path path_;
    std::ofstream out_;
};

/// Writes the metrics to a TensorBoard event file below OUTPUT_DIR/runs.
class tensorboard_log final : public trainer_callback {
   public:
    void on_train_begin(trainer_state& state) override { file_.emplace(state.output_dir / "runs"); }
    void on_log(trainer_state& state, metrics const& logged) override { file_->scalars(state.episode, logged); }

   private:
    std::optional<event_file> file_;
};

/// A progress bar over the updates, with the reward, the KL and the remaining time; and tables of samples, the first
/// and the last and between them one a minute at most.
class terminal_report final : public trainer_callback {
   public:
    explicit terminal_report(bool bar) : enabled_(bar) {}
    void on_train_begin(trainer_state& state) override {
        bar_.emplace("training", state.updates, enabled_);
        bar_->show(0);
    }
    void on_log(trainer_state& state, metrics const& logged) override {
        auto const number = [&](std::string_view name) {
            auto const* const value = logged.find(name);
            return value != nullptr ? *value : std::nan("");
        };
        if (!bar_) return;  // steps driven by hand
        bar_->show(state.update, fmt::format("rlhf_reward {:.3f}  kl {:.3f}", number("objective/rlhf_reward"),
                                             number("objective/kl")));
    }
    void on_completions(trainer_state& state, completions_table const& table) override {
        double const now = shown_.total();
        bool const is_soon = tables_ > 0 && now - last_table_ < 60.0 && state.update < state.updates;
        ++tables_;
        if (is_soon) return;
        last_table_ = now;
        completions_table shown{table.headings, {}};
        for (std::size_t i = 0; i < std::min<std::size_t>(5, table.rows.size()); ++i)
            shown.rows.push_back(table.rows[i]);
        if (bar_) bar_->clear();
        fmt::print("samples after {} of {} updates\n{}", state.update, state.updates,
                   draw(shown, terminal_width(stdout)));
        std::fflush(stdout);
    }
    void on_save(trainer_state& state, std::filesystem::path const& to) override {
        if (bar_ && state.update < state.updates) {
            bar_->clear();
            fmt::print("saved      the models after {} of {} updates, in {}\n", state.update, state.updates,
                       to.string());
        }
    }
    void on_train_end(trainer_state&) override {
        if (bar_) bar_->finish();
    }

   private:
    bool enabled_;
    std::optional<progress_bar> bar_;
    stopwatch shown_;
    double last_table_ = 0.0;
    int tables_ = 0;
};

/// Keeps the main metrics of a run and draws them: OUTPUT_DIR/metrics.png, and the reward on the terminal.
class plot_report final : public trainer_callback {
   public:
    explicit plot_report(std::string title = {}) : title_(std::move(title)) {}
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
    std::vector<curve> curves_ = [] {
        std::vector<curve> all;
        for (char const* name :
             {"objective/rlhf_reward", "objective/scores", "objective/kl", "objective/entropy", "policy/approxkl_avg",
              "policy/clipfrac_avg", "loss/policy_avg", "loss/value_avg", "val/ratio"})
            all.push_back({name, {}, {}});
        return all;
    }();
    bool drawn_ = false;
};

}  // namespace proximal::run
