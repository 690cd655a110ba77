// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <cmath>
#include <cstdint>
#include <proximal/run/best_metric.hpp>
#include <proximal/run/trainer_callback.hpp>
#include <string>
#include <utility>

namespace proximal::run {

/// Ends a run when the watched metric of `patience` evaluations in a row was no better than the best before, by more
/// than `threshold`. An evaluation without that metric, or with NaN, says nothing.
/// Source: transformers 4.45, EarlyStoppingCallback. Departure: it needs no best model to be kept.
class early_stopping final : public trainer_callback {
   public:
    early_stopping(watched_metric watched, std::int64_t patience, double threshold = 0.0)
        : watched_(std::move(watched)), patience_(patience), threshold_(threshold) {}

    void on_evaluate(trainer_state& state, metrics const& measured) override {
        auto const* const value = watched_.find(measured);
        if (value == nullptr || std::isnan(*value)) return;
        bool const is_better =
            !has_best_ || (watched_.is_better(*value, best_) && std::abs(*value - best_) > threshold_);
        missed_ = is_better ? 0 : missed_ + 1;
        if (!has_best_ || watched_.is_better(*value, best_)) best_ = *value;
        has_best_ = true;
        if (missed_ < patience_) return;
        state.should_stop = true;
        fmt::print("note       stopped early: {} was no better than {:.4g} for {} evaluations\n", watched_.name, best_,
                   missed_);
    }
    void visit_state(state_archive& archive) override {
        archive("missed", missed_);
        archive("has_best", has_best_);
        archive("best", best_);
    }

   private:
    watched_metric watched_;
    std::int64_t patience_, missed_ = 0;
    double threshold_, best_ = 0.0;
    bool has_best_ = false;
};

}  // namespace proximal::run
