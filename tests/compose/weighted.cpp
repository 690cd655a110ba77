// SPDX-License-Identifier: Apache-2.0
#include "../support/backends.hpp"

#include <catch2/catch.hpp>

using namespace proximal;
using support::as, support::difference, support::tolerance;

TEMPLATE_TEST_CASE("weighted: scales the loss, not the metrics, over the term's own tokens", "", BACKENDS) {
    auto const batch = support::random_batch(14, 6, 4);
    auto const then = gae{}(as<TestType>(batch.rollout));
    auto const now = as<TestType>(batch.now);
    auto const plain = algorithm{terminal_score{}, gae{}, clipped_value{.vf_coef = 1.0}}.measure(then, now);
    auto const half =
        algorithm{terminal_score{}, gae{}, total(weighted(0.5, clipped_value{.vf_coef = 1.0}))}.measure(then, now);
    CHECK(difference(half.loss, 0.5 * plain.loss) < tolerance);
    CHECK(difference(boost::hana::at_c<0>(half.metrics).value, boost::hana::at_c<0>(plain.metrics).value) < tolerance);
}

TEST_CASE("weighted: the gradient is scaled, a coefficient that is no number refused") {
    auto const now = number<double, 1>::variable(0.25, 0);
    token<number<double, 1>, number<double>> const at{.value = now, .old_value = 0.0, .return_ = 1.0};
    clipped_value const whole{.vf_coef = 1.0};
    CHECK(weighted(3.0, whole)(at).loss.partials[0] == 3.0 * whole(at).loss.partials[0]);
    CHECK_THROWS_AS(weighted(support::NaN, whole), std::invalid_argument);
}
