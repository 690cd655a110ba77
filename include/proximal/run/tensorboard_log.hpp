// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <proximal/run/event_file.hpp>
#include <proximal/run/log_history.hpp>
#include <proximal/run/markdown_table.hpp>
#include <proximal/run/trainer_callback.hpp>
#include <string>
#include <vector>

namespace proximal::run {

/// Writes a run to a TensorBoard event file below OUTPUT_DIR/runs: metrics and evaluations as scalars over episodes,
/// tables of samples as text and their scores as a histogram. A resumed run goes on with that file after the episodes
/// done, and in another folder than the checkpoint's begins with their scalars; a TensorBoard that is open meanwhile
/// may want to be reloaded.
class tensorboard_log final : public trainer_callback {
   public:
    void on_train_begin(trainer_state& state) override {
        auto const folder = state.output_dir / "runs";
        if (state.update == 0) return void(file_.emplace(folder));
        bool const is_new = !std::filesystem::exists(folder);
        file_.emplace(folder, state.episode);
        if (is_new)
            for (auto const& point : earlier_points(state))  // an update has as many episodes as every other
                file_->scalars(state.episode * point.update / state.update, point.numbers);
    }
    void on_log(trainer_state& state, metrics const& logged) override { file_->scalars(state.episode, logged); }
    void on_evaluate(trainer_state& state, metrics const& measured) override {
        file_->scalars(state.episode, measured);
    }
    void on_completions(trainer_state& state, completions_table const& table) override {
        file_->text(state.episode, "samples", markdown_table(table));
        for (std::size_t k = 0; k < table.headings.size(); ++k) {
            if (table.headings[k] != "score") continue;
            std::vector<double> scores;
            for (auto const& row : table.rows) scores.push_back(std::strtod(row[k].c_str(), nullptr));
            file_->histogram(state.episode, "samples/score", scores);
        }
    }

   private:
    std::optional<event_file> file_;
};

}  // namespace proximal::run
