// SPDX-License-Identifier: Apache-2.0
#include "../support/kl_estimators.hpp"

using proximal::absolute;

TEMPLATE_TEST_CASE("absolute: hand numbers", "", BACKENDS) {
    support::check_kl_estimates<TestType>(absolute{}, {0, std::log(2.0), std::log(2.0)});
}

TEST_CASE("absolute: partials equal finite differences and autograd, the kink included") {
    support::check_kl_slopes(absolute{});
}
