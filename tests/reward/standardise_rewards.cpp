// SPDX-License-Identifier: Apache-2.0
#include "../support/backends.hpp"

#include <catch2/catch.hpp>

using namespace proximal;
using support::as, support::difference;

TEMPLATE_TEST_CASE("standardise_rewards: whiten_rewards is one of its kinds; value_mask says what counts", "",
                   BACKENDS) {
    auto rollout = as<TestType>(support::random_batch(28, 12, 6).rollout);
    rollout.rewards = rollout.values;
    CHECK(difference(standardise_rewards<>{}(rollout).rewards, whiten_rewards{}(rollout).rewards) == 0.0);
    auto const grouped = standardise_rewards<of_group, zero_mean, biased>{{7}}(rollout).rewards;
    CHECK(difference(grouped, whitened<zero_mean, biased>(rollout.rewards, rollout.value_mask, of_group{7})) == 0.0);
}
