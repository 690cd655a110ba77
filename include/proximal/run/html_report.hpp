// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>
#include <exception>
#include <proximal/run/stopwatch.hpp>
#include <proximal/run/trainer_callback.hpp>
#include <proximal/run/write_report.hpp>

namespace proximal::run {

/// Keeps OUTPUT_DIR/report.html and samples.html up to date: after the first update, once a minute at most, and at the
/// end. It stands behind the listeners that write what it reads: metrics_log, samples_log, the doctor. A report that
/// cannot be written is told at the end and stops no run.
class html_report final : public trainer_callback {
   public:
    /// `every` is in seconds.
    explicit html_report(double every = 60.0) : every_(every) {}
    void on_log(trainer_state& state, metrics const&) override {
        double const now = clock_.total();
        if (last_ >= 0.0 && now - last_ < every_) return;
        write(state);
        last_ = clock_.total();  // a report of many updates takes a while: never the whole time
    }
    void on_train_end(trainer_state& state) override {
        write(state);
        if (!trouble_.empty()) fmt::print(stderr, "report     could not be written: {}\n", trouble_);
    }
    /// Whether the last report was written.
    bool written() const { return written_; }

   private:
    void write(trainer_state const& state) {
        try {
            write_report(state.output_dir);
            trouble_.clear();
            written_ = true;
        } catch (std::exception const& error) {
            trouble_ = error.what();
            written_ = false;
        }
    }
    double every_, last_ = -1.0;
    stopwatch clock_;
    std::string trouble_;
    bool written_ = false;
};

}  // namespace proximal::run
