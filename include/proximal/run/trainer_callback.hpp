// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <proximal/run/completions_table.hpp>
#include <proximal/run/metrics.hpp>
#include <proximal/run/state_archive.hpp>
#include <proximal/run/trainer_state.hpp>
#include <vector>

namespace proximal::run {

/// Listens to a run: logging, progress, tables, saving, stopping. None of it is in the training road itself.
///
/// The events are those of transformers' TrainerCallback, in the order of a run; a step is an update here, as in TRL,
/// and an optimizer step is one of its mini-batches. Listeners are called on the main process, in the order they were
/// given. To ask for something a listener sets a request in the state (see trainer_state).
class trainer_callback {
   public:
    virtual ~trainer_callback() = default;
    virtual void on_init_end(trainer_state&) {}             // the trainer stands
    virtual void on_train_begin(trainer_state&) {}          // before the first update
    virtual void on_epoch_begin(trainer_state&) {}          // before the first update of a pass over the data
    virtual void on_step_begin(trainer_state&) {}           // before an update
    virtual void on_prediction_step(trainer_state&) {}      // a token was drawn for each prompt of a chunk
    virtual void on_substep_end(trainer_state&) {}          // after a micro-batch that no optimizer step follows
    virtual void on_pre_optimizer_step(trainer_state&) {}   // gradients are reduced and clipped, parameters unmoved
    virtual void on_optimizer_step(trainer_state&) {}       // parameters moved, gradients still there
    virtual void on_step_end(trainer_state&) {}             // after an update; the place to ask for something
    virtual void on_epoch_end(trainer_state&) {}            // after the last update of a pass over the data
    virtual void on_log(trainer_state&, metrics const&) {}  // the metrics of an update
    virtual void on_completions(trainer_state&, completions_table const&) {}  // samples were generated
    virtual void on_evaluate(trainer_state&, metrics const&) {}               // the evaluation prompts were answered
    virtual void on_save(trainer_state&, std::filesystem::path const& /*to*/) {}  // models were written there: a
                                                                                  // checkpoint, or the final ones
    virtual void on_train_end(trainer_state&) {
    }  // after the last update, when the models are saved; after an error too

    /// Writes or reads what the listener has learnt, so that a resumed run goes on as if it had never stopped.
    virtual void visit_state(state_archive&) {}
};

/// Listeners in the order in which they are called.
using callback_list = std::vector<std::shared_ptr<trainer_callback>>;

}  // namespace proximal::run
