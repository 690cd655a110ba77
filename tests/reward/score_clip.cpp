// SPDX-License-Identifier: Apache-2.0
#include "../support/score_shapers.hpp"

using proximal::score_clip;

TEMPLATE_TEST_CASE("score_clip: hand numbers; a bound far away is none, and twice is once", "", BACKENDS) {
    support::check_shaped_scores<TestType>(score_clip{2.5}, {-2.5, 1, 2, 2.5});
    support::check_same_scores<TestType>(score_clip{1e9});
    auto const rollout = support::scored_rollout<TestType>();
    CHECK(support::difference(proximal::chain(score_clip{0.5}, score_clip{0.5})(rollout).scores,
                              score_clip{0.5}(rollout).scores) == 0.0);
}

TEST_CASE("score_clip: a bound of 0 is refused by its flag") {
    CHECK_THROWS_WITH(validate(score_clip{0.0}), "--score_clip must be above 0, but is 0.");
}
