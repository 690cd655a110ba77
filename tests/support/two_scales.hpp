// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "backends.hpp"

#include <catch2/catch.hpp>

namespace support {

/// Numbers to whiten: two groups of two rows, one near 2, one near 20; NaN outside the mask, and a row without tokens.
template <class Array>
struct two_scales {
    Array x = grid<Array>({{1, 3, NaN}, {NaN, NaN, NaN}, {10, NaN, NaN}, {30, NaN, NaN}});
    Array mask = grid<Array>({{1, 1, 0}, {0, 0, 0}, {1, 0, 0}, {1, 0, 0}});

    static constexpr double epsilon = 1e-8, mean = 11.0, squares = 100 + 64 + 1 + 361;  // of all four numbers

    void check(Array const& whitened, double a, double b, double c, double d) const {
        CHECK(difference(whitened, grid<Array>({{a, b, 0}, {0, 0, 0}, {c, 0, 0}, {d, 0, 0}})) < tolerance);
    }
};

/// The mean and the unbiased variance of what whitening makes of a random batch.
template <class Array>
struct whitened_batch {
    Array mask = as<Array>(random_batch(28, 12, 6).rollout).mask;
    Array x = 3.0 + 2.0 * as<Array>(random_batch(28, 12, 6).rollout).logprobs;

    void check_mean(Array const& whitened, Array const& expected) const {
        CHECK(difference(proximal::masked_mean(whitened, mask), expected) < tolerance);
    }
    void check_variance(Array const& whitened, double expected) const {
        CHECK(difference(proximal::masked_variance(whitened, mask), Array(expected)) < 1e-6);  // the 1e-8 in the root
    }
};

}  // namespace support
