// SPDX-License-Identifier: Apache-2.0
#include "../support/token_losses.hpp"

using namespace proximal;
using support::as, support::difference, support::grid, support::NaN, support::tolerance;

namespace {

/// w = 4, 1, ¼ | 1, ½ | ½; advantages of 1; what lies outside the mask is NaN.
template <class Array>
experience<Array> sampled() {
    experience<Array> then;
    then.mask = grid<Array>({{1, 1, 1}, {1, 1, 0}, {1, 0, 0}, {0, 0, 0}});
    then.logprobs = grid<Array>(
        {{std::log(4.0), 0, -std::log(4.0)}, {0, -std::log(2.0), NaN}, {-std::log(2.0), NaN, NaN}, {NaN, NaN, NaN}});
    then.behaviour_logprobs = grid<Array>({{0, 0, 0}, {0, 0, NaN}, {0, NaN, NaN}, {NaN, NaN, NaN}});
    then.advantages = grid<Array>({{1, 1, 1}, {-1, -1, NaN}, {-1, NaN, NaN}, {NaN, NaN, NaN}});
    return then;
}

}  // namespace

TEMPLATE_TEST_CASE("importance weights: hand numbers", "", BACKENDS) {
    auto const then = sampled<TestType>();
    CHECK(difference(importance_ratio(then), grid<TestType>({{4, 1, 0.25}, {1, 0.5, 1}, {0.5, 1, 1}, {1, 1, 1}})) <
          tolerance);
    CHECK(difference(truncated_importance{.cap = 2.0}(then).advantages,
                     grid<TestType>({{2, 1, 0.25}, {-1, -0.5, 0}, {-0.5, 0, 0}, {0, 0, 0}})) < tolerance);
    CHECK(difference(masked_importance{.low = 0.3, .high = 3.0}(then).advantages,
                     grid<TestType>({{0, 1, 0}, {-1, -0.5, 0}, {-0.5, 0, 0}, {0, 0, 0}})) < tolerance);
    // geometric means: 1, √½ = 0.707, and ½
    CHECK(difference(sequence_masked_importance{.low = 0.9, .high = 1.1}(then).advantages,
                     grid<TestType>({{4, 1, 0.25}, {0, 0, 0}, {0, 0, 0}, {0, 0, 0}})) < tolerance);
    CHECK(difference(sequence_masked_importance{.low = 0.6, .high = 0.9}(then).advantages,
                     grid<TestType>({{0, 0, 0}, {-1, -0.5, 0}, {0, 0, 0}, {0, 0, 0}})) < tolerance);
}

TEMPLATE_TEST_CASE("importance weights: on policy nothing changes; a token on a bound stays", "", BACKENDS) {
    auto batch = support::random_batch(26, 12, 7).rollout;
    batch.behaviour_logprobs = batch.logprobs;
    auto const judged = chain(terminal_score{}, gae{}, whiten{})(as<TestType>(batch));
    CHECK(difference(truncated_importance{}(judged).advantages, judged.advantages) == 0.0);
    CHECK(difference(masked_importance{}(judged).advantages, judged.advantages) == 0.0);
    CHECK(difference(masked_importance{.low = 1.0, .high = 1.0}(judged).advantages, judged.advantages) == 0.0);
    CHECK(difference(sequence_masked_importance{.low = 1.0, .high = 1.0}(judged).advantages, judged.advantages) == 0.0);
}

TEST_CASE("importance weights: on an advantage they are weights on the loss, for every policy loss") {
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
