// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <chrono>
#include <mutex>
#include <proximal/judge/pause.hpp>
#include <stop_token>

namespace proximal::judge {

/// Requests at even distances, for all threads together: so many a minute and never a burst. 0: no limit.
class rate_limit {
   public:
    explicit rate_limit(double per_minute = 0.0)
        : distance_(per_minute > 0.0 ? seconds(60.0 / per_minute) : seconds(0)) {}

    /// Waits for one's turn. Gives false where it was asked to stop before.
    bool acquire(std::stop_token const& stop) {
        clock::time_point turn;
        {
            std::lock_guard const lock(mutex_);
            turn = std::max(clock::now(), next_);
            next_ = turn + std::chrono::duration_cast<clock::duration>(distance_);
        }
        return pause(turn - clock::now(), stop);
    }

    /// Nobody's turn comes before so long: what the server asked of one it asks of all.
    void hold(seconds time) {
        std::lock_guard const lock(mutex_);
        next_ = std::max(next_, clock::now() + std::chrono::duration_cast<clock::duration>(time));
    }

   private:
    using clock = std::chrono::steady_clock;
    seconds distance_;
    std::mutex mutex_;
    clock::time_point next_{};
};

}  // namespace proximal::judge
