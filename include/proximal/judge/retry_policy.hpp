// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <proximal/judge/pause.hpp>

namespace proximal::judge {

/// How long to wait before a request is sent again, and how often.
///
/// The wait before retry k = 0, 1, ... is drawn between 0 and min(longest, first 2^k), so that many who failed together
/// do not come back together (full jitter: Brooker 2015, Exponential Backoff And Jitter). What the server asks for by
/// Retry-After is waited for whole, and the jitter added; above `longest_asked` the request is given up.
struct retry_policy {
    std::int64_t max_retries = 5;
    seconds first{1.0}, longest{60.0}, longest_asked{600.0};

    /// `share` is the draw, from 0 to 1; `asked` is the Retry-After, or 0.
    seconds wait(std::int64_t retry, double share, seconds asked = seconds(0)) const {
        double const doublings = static_cast<double>(std::min<std::int64_t>(retry, 60));
        return std::max(asked, seconds(0)) + share * std::min(longest, first * std::exp2(doublings));
    }
};

/// Whether an HTTP status says that the same request may go well later.
constexpr bool is_passing_trouble(long status) {
    return status == 408 || status == 429 || status == 500 || status == 502 || status == 503 || status == 504;
}

}  // namespace proximal::judge
