// SPDX-License-Identifier: Apache-2.0
#include "../support/kl_estimators.hpp"

using proximal::k2;

TEMPLATE_TEST_CASE("k2: hand numbers", "", BACKENDS) {
    double const square = std::log(2.0) * std::log(2.0);
    support::check_kl_estimates<TestType>(k2{}, {0, 0.5 * square, 0.5 * square});
}

TEST_CASE("k2: partials equal finite differences and autograd") { support::check_kl_slopes(k2{}); }

TEST_CASE("k2: on sampled tokens its gradient is the KL's") {
    support::three_tokens const tokens;  // KL(softmax(z) ‖ q): ∂KL/∂z₀ = p₀ (log p₀/q₀ − KL)
    auto const& [p, q] = tokens;
    CHECK(tokens.mean_slope(k2{}) == Approx(p[0] * (std::log(p[0] / q[0]) - tokens.kl())));
}
