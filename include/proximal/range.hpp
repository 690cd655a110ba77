// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdio>
#include <limits>
#include <string>

namespace proximal {

/// The numbers a knob accepts: an interval whose ends may be open. The default accepts every finite number.
struct range {
    double low = -std::numeric_limits<double>::infinity();
    double high = std::numeric_limits<double>::infinity();
    bool low_open = true;
    bool high_open = true;

    /// NaN lies in no range.
    constexpr bool contains(double x) const {
        return (low_open ? x > low : x >= low) && (high_open ? x < high : x <= high);
    }
};

/// [low, ∞)
constexpr range at_least(double low) { return {.low = low, .low_open = false}; }
/// (low, ∞)
constexpr range above(double low) { return {.low = low}; }
/// [low, high]
constexpr range between(double low, double high) { return {low, high, false, false}; }

/// A number as a person writes it: "0.2", not "0.200000".
inline std::string number_text(double x) {
    char digits[32];
    std::snprintf(digits, sizeof digits, "%g", x);
    return digits;
}

/// "in [0, 1]", "at least 0", "above 0", "finite"
inline std::string describe(range const& range) {
    bool const below = range.low != -std::numeric_limits<double>::infinity();
    bool const above = range.high != std::numeric_limits<double>::infinity();
    if (below && above)
        return (range.low_open ? "in (" : "in [") + number_text(range.low) + ", " + number_text(range.high) +
               (range.high_open ? ")" : "]");
    if (below) return (range.low_open ? "above " : "at least ") + number_text(range.low);
    if (above) return (range.high_open ? "below " : "at most ") + number_text(range.high);
    return "finite";
}

}  // namespace proximal
