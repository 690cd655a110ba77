// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/io/stop_signal.hpp>
#include <proximal/run/trainer_callback.hpp>

namespace proximal::run {

/// Ends a run on Ctrl-C, SIGTERM and SIGHUP, between two tokens or two micro-batches: train() then saves the models as
/// of the last optimizer step and throws io::interrupted. The program holds an io::stop_signals meanwhile.
class stop_on_signal final : public trainer_callback {
   public:
    void on_step_begin(trainer_state&) override { io::throw_if_stopped(); }
    void on_prediction_step(trainer_state&) override { io::throw_if_stopped(); }
    void on_substep_end(trainer_state&) override { io::throw_if_stopped(); }
    void on_optimizer_step(trainer_state&) override { io::throw_if_stopped(); }
};

}  // namespace proximal::run
