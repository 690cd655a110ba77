// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <utility>

namespace proximal::judge {

using seconds = std::chrono::duration<double>;

/// Waits so long, or until it is asked to stop. Gives whether the time went by.
inline bool pause(seconds time, std::stop_token const& stop) {
    std::mutex mutex;
    std::condition_variable_any asked;
    std::unique_lock lock(mutex);
    auto const longest = seconds(1e6);  // what a clock can add
    asked.wait_for(lock, stop,
                   std::chrono::duration_cast<std::chrono::nanoseconds>(std::clamp(time, seconds(0), longest)),
                   [] { return false; });
    return !stop.stop_requested();
}

}  // namespace proximal::judge
