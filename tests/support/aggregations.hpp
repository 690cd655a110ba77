// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "token_losses.hpp"

namespace support {

/// The weight of each token where one response has four, one has one and one has none: `a` and `b`.
template <class Array>
void check_weights(auto const& aggregation, double a, double b) {
    auto const mask = grid<Array>({{1, 1, 1, 1}, {1, 0, 0, 0}, {0, 0, 0, 0}});
    CHECK(difference(aggregation(mask), grid<Array>({{a, a, a, a}, {b, 0, 0, 0}, {0, 0, 0, 0}})) < tolerance);
}

template <class Array>
Array ragged_mask() {
    return as<Array>(random_batch(29, 12, 3).rollout).mask;
}

template <class Array>
void check_no_weight_outside(auto const& aggregation) {
    auto const mask = ragged_mask<Array>();
    CHECK(difference(select(mask, Array(0.0), aggregation(mask)), 0.0 * mask) == 0.0);
}

}  // namespace support
