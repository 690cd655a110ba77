// SPDX-License-Identifier: Apache-2.0
#include "../support/backends.hpp"

#include <catch2/catch.hpp>

using namespace proximal;
using support::as, support::difference, support::grid, support::NaN, support::tolerance;

TEMPLATE_TEST_CASE("whitened: hand numbers of every scope, centre and variance", "", BACKENDS) {
    auto const x = grid<TestType>({{1, 3, NaN}, {NaN, NaN, NaN}, {10, NaN, NaN}, {30, NaN, NaN}});
    auto const mask = grid<TestType>({{1, 1, 0}, {0, 0, 0}, {1, 0, 0}, {1, 0, 0}});
    auto const rows = [](double a, double b, double c, double d) {
        return grid<TestType>({{a, b, 0}, {0, 0, 0}, {c, 0, 0}, {d, 0, 0}});
    };
    double const e = 1e-8, u = std::sqrt(2.0 + e), v = std::sqrt(200.0 + e);  // unbiased deviations of the two groups
    CHECK(difference(whitened(x, mask, of_group{2}), rows(-1 / u, 1 / u, -10 / v, 10 / v)) < tolerance);
    CHECK(difference(whitened<kept_mean, biased>(x, mask, of_group{2}),
                     rows(2 - 1 / std::sqrt(1 + e), 2 + 1 / std::sqrt(1 + e), 20 - 10 / std::sqrt(100 + e),
                          20 + 10 / std::sqrt(100 + e))) < tolerance);
    double const sum = 100 + 64 + 1 + 361, all = std::sqrt(sum / 3 + e), whole = std::sqrt(sum / 4 + e);  // mean 11
    CHECK(difference(whitened(x, mask), rows(-10 / all, -8 / all, -1 / all, 19 / all)) < tolerance);
    CHECK(difference(whitened<zero_mean, biased>(x, mask), rows(-10 / whole, -8 / whole, -1 / whole, 19 / whole)) <
          tolerance);
    CHECK(difference(whitened<kept_mean>(x, mask), rows(11 - 10 / all, 11 - 8 / all, 11 - 1 / all, 11 + 19 / all)) <
          tolerance);
}

TEMPLATE_TEST_CASE("whitened: the moments are those asked for", "", BACKENDS) {
    auto const batch = support::random_batch(28, 12, 6).rollout;
    auto const mask = as<TestType>(batch).mask, x = 3.0 + 2.0 * as<TestType>(batch).logprobs;
    auto const moments = [&](TestType const& y) { return std::pair{masked_mean(y, mask), masked_variance(y, mask)}; };
    double const n = support::read(sum(mask))(0, 0);
    CHECK(difference(moments(whitened(x, mask)).first, TestType(0.0)) < tolerance);
    CHECK(difference(moments(whitened(x, mask)).second, TestType(1.0)) < 1e-6);
    CHECK(difference(moments(whitened<kept_mean>(x, mask)).first, masked_mean(x, mask)) < tolerance);
    CHECK(difference(moments(whitened<zero_mean, biased>(x, mask)).second, TestType(n / (n - 1))) < 1e-6);
    auto const by_group = whitened(x, mask, of_group{4});
    CHECK(difference(group_mean(TestType(row_sum(by_group)), 4), 0.0 * row_sum(mask)) < tolerance);
    CHECK(difference(whitened(x, mask, of_group{28}), whitened(x, mask)) < tolerance);  // one group is the batch
    CHECK_THROWS_WITH(whitened(x, mask, of_group{3}), Catch::Contains("28 rows do not divide into groups of 3"));
}
