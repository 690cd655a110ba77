// SPDX-License-Identifier: Apache-2.0
#include "../support/score_shapers.hpp"

using proximal::chain, proximal::missing_eos_score;
using proximal::unshaped;

TEMPLATE_TEST_CASE("unshaped: nothing changes, and in a chain it is nothing", "", BACKENDS) {
    support::check_shaped_scores<TestType>(unshaped{}, {-4, 1, 2, 8});
    support::check_same_scores<TestType>(chain(unshaped{}, unshaped{}));
    auto const rollout = support::scored_rollout<TestType>();
    CHECK(support::difference(chain(unshaped{}, missing_eos_score{})(rollout).scores,
                              missing_eos_score{}(rollout).scores) == 0.0);
}
