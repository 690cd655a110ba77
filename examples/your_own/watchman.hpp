// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <cstdio>
#include <proximal/run/trainer_callback.hpp>

namespace mine {

/// A listener: prints the learning rate of every update, saves the models every so many, and ends the run once the
/// score is good enough. It asks by setting a request in the state; the trainer obeys after the update.
class watchman final : public proximal::run::trainer_callback {
   public:
    watchman(std::int64_t save_every, double good_enough) : save_every_(save_every), good_enough_(good_enough) {}

    void on_step_end(proximal::run::trainer_state& state) override {
        state.should_save = state.should_save || state.update % save_every_ == 0;
    }
    void on_log(proximal::run::trainer_state& state, proximal::run::metrics const& logged) override {
        // find() gives null for a metric that the algorithm does not measure.
        if (auto const* const rate = logged.find("lr"))
            std::printf("update %lld  rate %g\n", static_cast<long long>(state.update), *rate);
        if (auto const* const scores = logged.find("objective/scores"); scores && *scores >= good_enough_)
            state.should_stop = true;
    }

   private:
    std::int64_t save_every_;
    double good_enough_;
};

}  // namespace mine
