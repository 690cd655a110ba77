// SPDX-License-Identifier: Apache-2.0
#include "../support/importance.hpp"

using namespace proximal;
using support::difference, support::tolerance;

TEMPLATE_TEST_CASE("truncated_importance: hand numbers", "", BACKENDS) {
    support::check_weighted_advantages<TestType>(truncated_importance{.cap = 2.0},
                                                 {{2, 1, 0.25}, {-1, -0.5, 0}, {-0.5, 0, 0}, {0, 0, 0}});
}

TEMPLATE_TEST_CASE("truncated_importance: on policy nothing changes", "", BACKENDS) {
    support::check_nothing_on_policy<TestType>(truncated_importance{});
}

TEST_CASE("truncated_importance: on an advantage it is a weight on the loss, for every policy loss") {
    auto const batch = support::random_batch(28, 12, 9);
    auto const judged = chain(terminal_score{}, grpo{4})(batch.rollout);
    auto const weight = min(importance_ratio(judged), 2.0);
    auto const check = [&](auto const& loss, auto const& mean) {
        auto const algorithm = proximal::algorithm{terminal_score{}, grpo{4}, loss, mean};
        auto weighted = judged;  // the weights of the aggregation, times w
        weighted.weights = weight * mean(judged.mask), weighted.value_weights = mean(judged.value_mask);
        auto const expected = eigen::loss_and_gradient(algorithm, weighted, batch.now);
        auto const got = eigen::loss_and_gradient(algorithm, truncated_importance{}(judged), batch.now);
        CHECK(got.loss == Approx(expected.loss).epsilon(tolerance));
        CHECK(difference(got.gradient.logprobs, expected.gradient.logprobs) < tolerance);
    };
    check(clipped_surrogate{}, token_mean{}), check(clip_higher{}, token_mean{}), check(dual_clip{}, token_mean{});
    check(two_sided_clip{}, token_mean{}), check(cispo{}, token_mean{}), check(sapo{}, token_mean{});
    check(reinforce{}, token_mean{}), check(gspo{}, sequence_mean_token_mean{});
}
