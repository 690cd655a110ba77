// SPDX-License-Identifier: Apache-2.0
#include "../support/kl_estimators.hpp"

using proximal::k3, proximal::number;

TEMPLATE_TEST_CASE("k3: hand numbers", "", BACKENDS) {
    support::check_kl_estimates<TestType>(k3{}, {0, 1 - std::log(2.0), std::log(2.0) - 0.5});
}

TEST_CASE("k3: digits survive where the models are close") {
    double const d = 1e-9;
    CHECK(k3{}(number<double>(-1.0), number<double>(-1.0 + d)).value == Approx(0.5 * d * d).epsilon(1e-6));
}

TEST_CASE("k3: unbiased, never negative, and its slopes") {
    support::three_tokens const tokens;
    auto const& [p, q] = tokens;
    for (std::size_t i = 0; i < p.size(); ++i) {
        number<double> const logprob = std::log(p[i]), ref = std::log(q[i]);
        CHECK(k3{}(logprob, ref).value >= 0.0);
        auto const slope = k3{}(number<double, 1>::variable(std::log(p[i]), 0), ref).partials[0];
        CHECK(slope == Approx(1.0 - q[i] / p[i]));
    }
    CHECK(tokens.mean(k3{}) == Approx(tokens.kl()));
}

TEST_CASE("k3: partials equal finite differences and autograd") { support::check_kl_slopes(k3{}); }
