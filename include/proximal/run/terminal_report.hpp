// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <optional>
#include <proximal/run/completions_table.hpp>
#include <proximal/run/progress_bar.hpp>
#include <proximal/run/stopwatch.hpp>
#include <proximal/run/trainer_callback.hpp>
#include <string>
#include <utility>

namespace proximal::run {

/// What an update is told by in one line: of the loss and the accuracy (supervised), the reward, the KL, the episodes
/// per second (PPO) those that were measured.
inline std::string headline(metrics const& logged) {
    std::string text;
    auto const add = [&](char const* name, char const* shown) {
        auto const* const value = logged.find(name);
        if (value != nullptr) text += fmt::format("{}{} {:.4g}", text.empty() ? "" : "  ", shown, *value);
        return value != nullptr;
    };
    add("loss", "loss");
    add("accuracy", "accuracy");
    if (!add("objective/rlhf_reward", "rlhf_reward")) add("objective/scores", "scores");
    add("objective/kl", "kl");
    add("eps", "eps");
    return text;
}

/// How the seconds of an update went: "generate 61%  score 4%  update 35%  of GEMM's peak 41%"; empty where none were
/// measured.
inline std::string phases(metrics const& logged) {
    double total = 0.0;
    std::string text;
    for (auto const& [name, seconds] : logged)
        if (name.starts_with("time/")) total += seconds;
    for (auto const& [name, seconds] : logged)
        if (name.starts_with("time/") && total > 0.0)
            text += fmt::format("{}{} {:.0f}%", text.empty() ? "" : "  ", name.substr(5), 100.0 * seconds / total);
    if (auto const* const share = logged.find("compute/of_gemm_peak"))
        text += fmt::format("  of GEMM's peak {:.0f}%", 100.0 * *share);
    return text;
}

/// How far a run is, on stderr, and tables of samples on stdout, the first and the last and between them one a minute
/// at most.
///
/// On a terminal a bar with what is done just now (generating, updating), the last update's reward and KL, and where
/// the time goes; elsewhere a plain line per update. Metrics that the algorithm does not measure are not named.
class terminal_report final : public trainer_callback {
   public:
    explicit terminal_report(bool bar, std::FILE* stream = stderr) : enabled_(bar), stream_(stream) {}
    void on_train_begin(trainer_state& state) override {
        first_ = state.update;
        begun_ = since_.total();
        plain_ = ::isatty(::fileno(stream_)) == 0;
        bar_.emplace("training", state.updates, enabled_ && !plain_, state.update);
        bar_->show(state.update);
    }
    void on_step_begin(trainer_state& state) override {
        steps_at_end_ = state.optimizer_steps;
        enter("generating", state);
    }
    void on_step_end(trainer_state& state) override { steps_at_end_ = state.optimizer_steps; }
    void on_prediction_step(trainer_state& state) override { enter("generating", state); }
    void on_substep_end(trainer_state& state) override { enter("updating", state); }
    void on_pre_optimizer_step(trainer_state& state) override { enter("updating", state); }
    void on_log(trainer_state& state, metrics const& logged) override {
        if (!bar_) return;  // steps driven by hand
        auto const line = headline(logged);
        note_ = line + (line.empty() ? "" : "  ") + phases(logged);
        bar_->show(state.update, note_);
        if (!enabled_ || !plain_) return;
        double const each =
            (since_.total() - begun_) / static_cast<double>(std::max<std::int64_t>(1, state.update - first_));
        fmt::print(stream_, "update {}/{}  {}{}{:.2g} s/update  eta {}\n", state.update, state.updates, line,
                   line.empty() ? "" : "  ", each,
                   duration_text(each * static_cast<double>(state.updates - state.update)));
        std::fflush(stream_);
    }
    void on_completions(trainer_state& state, completions_table const& table) override {
        double const now = since_.total();
        if (std::exchange(last_at_, state.update) == state.update && tables_ > 0)
            return;  // the last is also the final one
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
    void on_evaluate(trainer_state& state, metrics const& measured) override {
        std::string text;
        for (auto const& [name, value] : measured) text += fmt::format("  {} {:.4g}", name, value);
        if (bar_) bar_->clear();
        fmt::print("evaluated  after {} of {} updates:{}\n", state.update, state.updates, text);
    }
    void on_save(trainer_state& state, std::filesystem::path const& to) override {
        if (bar_ && state.holds_best) {
            bar_->clear();
            fmt::print("saved      the best models, those of {}, in {}\n",
                       state.best_model_checkpoint.filename().string(), to.string());
        } else if (bar_ && state.update < state.updates) {
            bar_->clear();
            auto const begun = state.optimizer_steps - steps_at_end_;
            fmt::print(
                "saved      the models after {} of {} updates{}, in {}\n", state.update, state.updates,
                begun > 0 ? fmt::format(" and {} optimizer {} of the next", begun, begun == 1 ? "step" : "steps") : "",
                to.string());
        }
    }
    void on_train_end(trainer_state&) override {
        if (bar_) bar_->finish();
    }

   private:
    void enter(char const* phase, trainer_state const& state) {
        if (bar_ && state.update < state.updates) bar_->show(state.update, fmt::format("{}  {}", phase, note_));
    }

    bool enabled_, plain_ = true;
    std::FILE* stream_;
    std::optional<progress_bar> bar_;
    stopwatch since_;
    std::int64_t first_ = 0, last_at_ = -1, steps_at_end_ = 0;
    double begun_ = 0.0, last_table_ = 0.0;
    int tables_ = 0;
    std::string note_;
};

}  // namespace proximal::run
