// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/numeric/numeric.hpp>

// Functions made of those in Numeric: every type has them for free, with the derivatives that follow.

namespace proximal {

/// tanh x, accurate near 0 too; its slope is 0 beyond ±20, where tanh is ±1 to the last digit.
template <Numeric X>
constexpr auto tanh(X const& x) {
    auto const e = expm1(2.0 * clamp(x, -20.0, 20.0));
    return e / (e + 2.0);
}

/// log(1 + x) for x > -1, accurate near 0 too. Source: Goldberg (1991), theorem 4.
template <Numeric X>
constexpr auto log1p(X const& x) {
    auto const one_more = 1.0 + x;
    return log(one_more) - ((one_more - 1.0) - x) / one_more;
}

/// x to the power of a constant, for x > 0.
template <Numeric X>
constexpr auto pow(X const& x, double exponent) {
    return exp(exponent * log(x));
}

// What other libraries call them: the compiler shows the line, and with it the cure. Of std::exp and its like it says
// that no function matches, as nobody but namespace std could answer there.
// clang-format off
void fabs(Numeric auto const&) = delete;                  // of numbers: write abs(x)
void fmax(Numeric auto const&, auto const&) = delete;     // of numbers: write max(a, b)
void fmax(double, Numeric auto const&) = delete;          // of numbers: write max(a, b)
void fmin(Numeric auto const&, auto const&) = delete;     // of numbers: write min(a, b)
void fmin(double, Numeric auto const&) = delete;          // of numbers: write min(a, b)
void relu(Numeric auto const&) = delete;                  // of numbers: write max(x, 0.0)
void clip(Numeric auto const&, auto const&...) = delete;  // of numbers: write clamp(x, low, high)
void where(Numeric auto const&, auto const&...) = delete; // of numbers: write select(a > b, x, y)
void log2(Numeric auto const&) = delete;                  // of numbers: write log(x) / std::log(2.0)
void log10(Numeric auto const&) = delete;                 // of numbers: write log(x) / std::log(10.0)
// clang-format on

}  // namespace proximal
