// SPDX-License-Identifier: Apache-2.0
#include "../support/backends.hpp"

#include <catch2/catch.hpp>

using namespace proximal;
using support::as, support::difference;

TEMPLATE_TEST_CASE("standardise: whiten is one of its kinds; returns stay; its scope's knobs are its own", "",
                   BACKENDS) {
    auto const judged = gae{}(terminal_score{}(as<TestType>(support::random_batch(28, 12, 6).rollout)));
    CHECK(difference(standardise<>{}(judged).advantages, whiten{}(judged).advantages) == 0.0);
    auto const grouped = standardise<of_group, kept_mean, biased>{{4}}(judged);
    CHECK(difference(grouped.advantages, whitened<kept_mean, biased>(judged.advantages, judged.mask, of_group{4})) ==
          0.0);
    CHECK(difference(grouped.returns, judged.returns) == 0.0);
    CHECK_THROWS_WITH(validate(standardise<of_group>{{1}}), "--group_size must be at least 2, but is 1.");
}
