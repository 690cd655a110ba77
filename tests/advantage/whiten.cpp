// SPDX-License-Identifier: Apache-2.0
#include "../support/backends.hpp"

#include <catch2/catch.hpp>

using namespace proximal;
using support::as, support::difference, support::grid, support::tolerance;

TEMPLATE_TEST_CASE("whiten: hand numbers; ε stands inside the root", "", BACKENDS) {
    experience<TestType> then;
    then.mask = grid<TestType>({{1, 1, 0}});
    then.advantages = grid<TestType>({{3e-4, 1e-4, support::NaN}});  // σ² = 2e-8
    double const whitened = 1e-4 / std::sqrt(3e-8);
    CHECK(difference(whiten{}(then).advantages, grid<TestType>({{whitened, -whitened, 0}})) < tolerance);
}

TEMPLATE_TEST_CASE("whiten: mean 0 and unbiased variance 1, and nothing outside the mask", "", BACKENDS) {
    auto batch = support::random_batch(26, 12, 7).rollout;
    batch.rewards = support::random_batch(26, 12, 8).now.entropies;  // NaN outside the mask: padding never matters
    batch.rewards = select(batch.mask, batch.rewards, 0.5);
    auto const rollout = as<TestType>(batch);
    auto const judged = whiten{}(gae{}(rollout));
    CHECK(difference(masked_mean(judged.advantages, rollout.mask), TestType(0.0)) < tolerance);
    CHECK(difference(masked_variance(judged.advantages, rollout.mask), TestType(1.0)) < 1e-6);  // the 1e-8 in the root
    CHECK(difference(select(rollout.mask, TestType(0.0), judged.advantages), 0.0 * rollout.mask) == 0.0);
}
