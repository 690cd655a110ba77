// SPDX-License-Identifier: Apache-2.0
#include <proximal/libtorch/reverse_scan.hpp>

#include "../support/backends.hpp"

#include <catch2/catch.hpp>

using namespace proximal;
using support::difference, support::tolerance;

TEST_CASE("reverse_scan: a loop per row, log₂ T rounds and the reference agree") {
    for (int T : {1, 2, 3, 31, 64, 100}) {
        auto const x = support::random_batch(T + 2, T, 3);
        auto const delta = select(x.rollout.mask, x.rollout.logprobs, 0.25), decay = sigmoid(delta);
        auto const step = [](auto const& d, auto const& k) { return affine{d, k}; };
        auto const expected = reverse_scan(step, delta, decay);
        auto const d = support::from<libtorch::field>(delta), k = support::from<libtorch::field>(decay);
        CHECK(difference(libtorch::scan_rows(step, d, k), expected) < tolerance);
        CHECK_THROWS(libtorch::scan_rows(step, d, libtorch::field(0.5)));
        CHECK(difference(libtorch::scan_rounds(step(d, k)), expected) < tolerance);
    }
}
