// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/io/stop_signal.hpp>
#include <proximal/run/trainer_callback.hpp>

namespace proximal::run {

/// Ends a run on Ctrl-C, SIGTERM and SIGHUP: the update that is under way is finished, a checkpoint is written, the
/// models are saved, and train() throws io::interrupted. Outside an update it throws at once; of several processes the
/// next one is finished first, since all have to know. A second signal ends the
/// program at once. The program holds an io::stop_signals meanwhile.
class stop_on_signal final : public trainer_callback {
   public:
    void on_step_begin(trainer_state& state) override {
        if (!state.has_peers) io::throw_if_stopped();
        is_in_update_ = true;
    }
    void on_step_end(trainer_state& state) override {
        is_in_update_ = false;
        if (!io::is_stopped()) return;
        state.should_save = state.should_stop = true;
        is_stopping_ = true;
    }
    void on_prediction_step(trainer_state& state) override {
        if (!is_in_update_ && !is_stopping_ && !state.has_peers) io::throw_if_stopped();
    }
    void on_train_end(trainer_state&) override { io::throw_if_stopped(); }

   private:
    bool is_in_update_ = false, is_stopping_ = false;
};

}  // namespace proximal::run
