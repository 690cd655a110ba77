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

}  // namespace proximal
