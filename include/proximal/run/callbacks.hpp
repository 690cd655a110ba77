// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <proximal/run/completions_table.hpp>
#include <proximal/run/metrics.hpp>
#include <vector>

namespace proximal::run {

/// Where a run stands.
struct trainer_state {
    std::int64_t update = 0;   // updates done
    std::int64_t updates = 0;  // updates planned
    std::int64_t episode = 0;  // episodes trained on
    double epoch = 0.0;        // passes over the data
    double seconds = 0.0;      // since train() began
    std::filesystem::path output_dir;
    bool should_stop = false;  // a callback sets it: the run ends, and saves, after this update
};

/// What happens around the training road: logging, progress, tables, saving. None of it is in the road itself.
///
/// Called on the main process, in the order the callbacks were given. Source of the names: transformers'
/// TrainerCallback.
class trainer_callback {
   public:
    virtual ~trainer_callback() = default;
    /// Before the first update.
    virtual void on_train_begin(trainer_state&) {}
    virtual void on_log(trainer_state&, metrics const&) {}                    // once per update
    virtual void on_completions(trainer_state&, completions_table const&) {}  // when samples were generated
    virtual void on_save(trainer_state&, std::filesystem::path const&) {}     // when models were written
    /// After the last update, when the models are saved.
    virtual void on_train_end(trainer_state&) {}
};

/// Callbacks in the order in which they are called.
using callback_list = std::vector<std::shared_ptr<trainer_callback>>;

}  // namespace proximal::run
