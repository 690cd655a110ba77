// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <utility>

namespace proximal::run {

/// Seconds of the wall clock, since the start or since the last lap.
class stopwatch {
   public:
    /// Seconds since the start.
    double total() const { return seconds(start_, clock::now()); }
    /// Seconds since the last lap, and begins the next.
    double lap() {
        auto const before = std::exchange(lap_, clock::now());
        return seconds(before, lap_);
    }

   private:
    using clock = std::chrono::steady_clock;
    static double seconds(clock::time_point from, clock::time_point to) {
        return std::chrono::duration<double>(to - from).count();
    }
    clock::time_point start_ = clock::now(), lap_ = start_;
};

}  // namespace proximal::run
