// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <proximal/knob.hpp>
#include <proximal/run/state_archive.hpp>
#include <string>

namespace proximal::run {

/// A learning rate that falls by `factor` when a metric has not got better for more than `patience` evaluations.
///
/// It is told the metric by observe(), in evaluations' order. Source: PyTorch's ReduceLROnPlateau, which transformers
/// names reduce_lr_on_plateau; there is no warm-up.
struct reduce_lr_on_plateau {
    std::string mode = "min";
    double factor = 0.1;
    std::int64_t patience = 10;
    double threshold = 1e-4;
    std::string threshold_mode = "rel";
    std::int64_t cooldown = 0;
    double min_lr = 0.0;
    double eps = 1e-8;

    static constexpr auto knobs = reflect(
        knob<"mode">(&reduce_lr_on_plateau::mode, "whether a smaller or a larger metric is better", {"min, max"}),
        knob<"factor">(&reduce_lr_on_plateau::factor, "what the rate is multiplied with", {0, 1, false, true}),
        knob<"patience">(&reduce_lr_on_plateau::patience, "evaluations without a better metric", at_least(0)),
        knob<"threshold">(&reduce_lr_on_plateau::threshold, "how much better counts as better", at_least(0)),
        knob<"threshold_mode">(&reduce_lr_on_plateau::threshold_mode, "a share of the best or a number", {"rel, abs"}),
        knob<"cooldown">(&reduce_lr_on_plateau::cooldown, "evaluations after a fall that do not count", at_least(0)),
        knob<"min_lr">(&reduce_lr_on_plateau::min_lr, "the lowest rate", at_least(0)),
        knob<"eps">(&reduce_lr_on_plateau::eps, "a smaller fall is left out", at_least(0)));

    /// Starts at a rate.
    void begin(double learning_rate) {
        first_ = rate_ = learning_rate;
        best_ = mode == "min" ? std::numeric_limits<double>::infinity() : -std::numeric_limits<double>::infinity();
        bad_ = cooling_ = 0;
    }
    /// The factor on the rate at the start.
    double operator()(std::int64_t) const { return first_ > 0.0 ? rate_ / first_ : 1.0; }

    /// A NaN is never better.
    void observe(double metric) {
        if (is_better(metric)) best_ = metric, bad_ = 0;
        else ++bad_;
        if (cooling_ > 0) --cooling_, bad_ = 0;
        if (bad_ <= patience) return;
        auto const lower = std::max(rate_ * factor, min_lr);
        if (rate_ - lower > eps) rate_ = lower;
        cooling_ = cooldown;
        bad_ = 0;
    }

    void visit_state(state_archive& archive) {
        bool has_best = std::isfinite(best_);
        double best = has_best ? best_ : 0.0;
        archive("rate", rate_);
        archive("has_best", has_best);
        archive("best", best);
        archive("bad", bad_);
        archive("cooling", cooling_);
        if (archive.is_reading() && has_best) best_ = best;
    }

   private:
    bool is_better(double metric) const {
        bool const relative = threshold_mode == "rel";
        if (mode == "min") return metric < (relative ? best_ * (1.0 - threshold) : best_ - threshold);
        return metric > (relative ? best_ * (threshold + 1.0) : best_ + threshold);
    }

    double first_ = 1.0, rate_ = 1.0, best_ = std::numeric_limits<double>::infinity();
    std::int64_t bad_ = 0, cooling_ = 0;
};

}  // namespace proximal::run
