// SPDX-License-Identifier: Apache-2.0
#include "../support/kl_estimators.hpp"

using proximal::k1;

TEMPLATE_TEST_CASE("k1: hand numbers", "", BACKENDS) {
    support::check_kl_estimates<TestType>(k1{}, {0, -std::log(2.0), std::log(2.0)});
}

TEST_CASE("k1: partials equal finite differences and autograd") { support::check_kl_slopes(k1{}); }

TEST_CASE("k1: unbiased; on sampled tokens its gradient is none") {
    support::three_tokens const tokens;
    CHECK(tokens.mean(k1{}) == Approx(tokens.kl()));
    CHECK(tokens.mean_slope(k1{}) == Approx(0.0).margin(1e-15));
}
