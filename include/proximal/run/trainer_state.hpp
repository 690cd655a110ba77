// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace proximal::run {

/// Where a run stands, and what is asked of it.
///
/// The requests are transformers' TrainerControl: an event listener sets one, and the trainer obeys after the event, in
/// one place, on all processes alike.
struct trainer_state {
    std::int64_t update = 0;           // updates done
    std::int64_t updates = 0;          // updates planned
    std::int64_t episode = 0;          // episodes trained on
    std::int64_t optimizer_steps = 0;  // taken: above 0 the models are no longer what they began as
    double epoch = 0.0;                // passes over the data
    double seconds = 0.0;              // spent in updates, those before an interruption included
    std::filesystem::path output_dir{};
    std::filesystem::path resumed_from{};  // the checkpoint that the run goes on from, if it does
    std::optional<double> best_metric{};   // of all evaluations whose model was saved
    bool holds_best = false;               // the models are the best checkpoint's again: --load_best_model_at_end
    std::filesystem::path best_model_checkpoint{};  // the folder of that model, below output_dir

    bool has_peers = false;  // other processes run the same run: it ends only when all of them know

    bool should_log = false;       // the metrics of this update
    bool should_sample = false;    // a table of samples, TRL's generate_completions
    bool should_evaluate = false;  // the evaluation prompts
    bool should_save = false;      // a checkpoint, from which the run can be resumed
    bool should_stop = false;      // the run ends after this update, and saves

    /// Writes or reads how far the run is; requests are obeyed or void by then.
    template <class Archive>
    void visit_state(Archive& archive) {
        archive("update", update);
        archive("episode", episode);
        archive("optimizer_steps", optimizer_steps);
        archive("epoch", epoch);
        archive("seconds", seconds);
        bool has_best = best_metric.has_value();
        double best = best_metric.value_or(0.0);
        std::string folder = best_model_checkpoint.filename().string();
        archive("has_best_metric", has_best);
        archive("best_metric", best);
        archive("best_model_checkpoint", folder);
        if (archive.is_reading()) {
            best_metric = has_best ? std::optional(best) : std::nullopt;
            best_model_checkpoint = folder.empty() ? std::filesystem::path() : output_dir / folder;
        }
    }
};

}  // namespace proximal::run
