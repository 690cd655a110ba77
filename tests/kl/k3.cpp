// SPDX-License-Identifier: Apache-2.0
#include "../support/backends.hpp"

#include <catch2/catch.hpp>

using namespace proximal;
using support::difference, support::grid, support::tolerance;

TEMPLATE_TEST_CASE("k1, k3: hand numbers", "", BACKENDS) {
    double const ln2 = std::log(2.0);
    auto const logprob = grid<TestType>({{-1, -1, -1}}), ref = grid<TestType>({{-1, -1 + ln2, -1 - ln2}});
    CHECK(difference(k1{}(logprob, ref), grid<TestType>({{0, -ln2, ln2}})) < tolerance);
    CHECK(difference(k3{}(logprob, ref), grid<TestType>({{0, 1 - ln2, ln2 - 0.5}})) < tolerance);
}

TEST_CASE("k3: digits survive where the models are close") {
    double const d = 1e-9;
    CHECK(k3{}(number<double>(-1.0), number<double>(-1.0 + d)).value == Approx(0.5 * d * d).epsilon(1e-6));
}

TEST_CASE("k1, k3: unbiased, k3 never negative, and their slopes") {
    std::vector<double> const p{0.5, 0.3, 0.2}, q{0.2, 0.2, 0.6};
    double exact = 0.0, first = 0.0, third = 0.0;
    for (std::size_t i = 0; i < p.size(); ++i) {
        number<double> const logprob = std::log(p[i]), ref = std::log(q[i]);
        exact += p[i] * std::log(p[i] / q[i]);
        first += p[i] * k1{}(logprob, ref).value;
        third += p[i] * k3{}(logprob, ref).value;
        CHECK(k3{}(logprob, ref).value >= 0.0);
        auto const slope = k3{}(number<double, 1>::variable(std::log(p[i]), 0), ref).partials[0];
        CHECK(slope == Approx(1.0 - q[i] / p[i]));
    }
    CHECK(first == Approx(exact));
    CHECK(third == Approx(exact));
}
