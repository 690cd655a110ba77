// SPDX-License-Identifier: Apache-2.0
#include "../support/backends.hpp"

#include <catch2/catch.hpp>

using namespace proximal;
using support::as, support::difference, support::grid, support::NaN, support::tolerance;

namespace {

/// Two groups of two: the rewards are 1, 3 and 0, 4, the lengths 1, 2 and 2, 0.
template <class Array>
rollout<Array> two_groups() {
    return {.rewards = grid<Array>({{0, 1, NaN}, {-1, 0, 4}, {-1, 0, 1}, {4, NaN, NaN}}),
            .mask = grid<Array>({{1, 0, 0}, {1, 1, 0}, {1, 1, 0}, {0, 0, 0}}),
            .value_mask = grid<Array>({{1, 1, 0}, {1, 1, 1}, {1, 1, 1}, {1, 0, 0}})};
}

/// A rollout whose rows all count at every step: 32 rows, scores as terminal rewards.
proximal::rollout<support::array> full_rollout() {
    auto result = support::random_batch(32, 5, 3).rollout;
    result.mask = result.value_mask = 0.0 * result.mask + 1.0;
    return terminal_score{}(result);
}

}  // namespace

TEMPLATE_TEST_CASE("group baselines: hand numbers", "", BACKENDS) {
    auto const judge = [](auto const& estimator) { return estimator(two_groups<TestType>()).advantages; };
    CHECK(difference(judge(rloo{2}), grid<TestType>({{-2, 0, 0}, {2, 2, 0}, {-4, -4, 0}, {0, 0, 0}})) == 0.0);
    CHECK(difference(judge(dr_grpo{2}), grid<TestType>({{-1, 0, 0}, {1, 1, 0}, {-2, -2, 0}, {0, 0, 0}})) == 0.0);
    double const a = 1 / (std::sqrt(2.0) + 1e-4), b = 2 / (std::sqrt(8.0) + 1e-4);
    CHECK(difference(judge(grpo{2}), grid<TestType>({{-a, 0, 0}, {a, a, 0}, {-b, -b, 0}, {0, 0, 0}})) < tolerance);
    double const c = 7.0 / 3.0;  // (1·1 + 2·3) / 3; the empty response has no say in the other group
    CHECK(difference(judge(opo{2}), grid<TestType>({{1 - c, 0, 0}, {3 - c, 3 - c, 0}, {0, 0, 0}, {0, 0, 0}})) <
          tolerance);
    auto const earned = grid<TestType>({{1, 1, 0}, {3, 3, 3}, {0, 0, 0}, {4, 0, 0}});  // over value_mask
    auto const returns = [](auto const& estimator) { return estimator(two_groups<TestType>()).returns; };
    CHECK(difference(returns(rloo{2}), earned) == 0.0);
    CHECK(difference(returns(grpo{2}), earned) == 0.0);
    CHECK(difference(returns(dr_grpo{2}), earned) == 0.0);
    CHECK(difference(returns(opo{2}), earned) == 0.0);
    CHECK(difference(returns(pass_at_k{2}), earned) == 0.0);
    CHECK(difference(returns(gpg{2}), earned) == 0.0);
    auto const whitened = judge(reinforce_plus_plus_baseline{dr_grpo{2}, whiten{}});
    double const root = std::sqrt(2.3 + 1e-8);  // of −1, 1, 1, −2, −2: mean −0.6, unbiased variance 2.3
    double const low = -0.4 / root, high = 1.6 / root, least = -1.4 / root;
    CHECK(difference(whitened, grid<TestType>({{low, 0, 0}, {high, high, 0}, {least, least, 0}, {0, 0, 0}})) <
          tolerance);
    CHECK(difference(judge(pass_at_k{2}), grid<TestType>({{0, 0, 0}, {2, 2, 0}, {0, 0, 0}, {0, 0, 0}})) == 0.0);
    CHECK(difference(judge(gpg{2}), judge(dr_grpo{2})) == 0.0);  // every group teaches
    CHECK_THROWS_WITH(judge(pass_at_k{1}), Catch::Contains("4 rows do not divide into groups of 1"));
    CHECK_THROWS_WITH(judge(grpo{3}), Catch::Contains("4 rows do not divide into groups of 3"));
}

TEMPLATE_TEST_CASE("group baselines: laws", "", BACKENDS) {
    auto const batch = full_rollout();
    auto const rollout = as<TestType>(batch);
    TestType const reward = row_sum(rollout.rewards), none = 0.0 * reward;
    auto const first = [](auto const& judged) { return row_sum(judged.advantages) / 5.0; };  // [B]: all steps are alike
    auto const shifted = [&] {
        auto result = rollout;
        result.rewards = result.rewards + 2.0;
        return result;
    }();

    SECTION("leave-one-out: a group's advantages sum to zero, and each is its reward minus the others' mean") {
        CHECK(difference(group_mean(first(rloo{8}(rollout)), 8), none) < tolerance);
        CHECK(difference(first(rloo{8}(rollout)), reward - (8.0 * group_mean(reward, 8) - reward) / 7.0) < tolerance);
    }
    SECTION("grpo: mean 0 and, but for ε, unbiased variance 1 in every group; scale does not matter") {
        auto const advantage = first(grpo{8}(rollout));
        CHECK(difference(group_mean(advantage, 8), none) < tolerance);
        CHECK(difference(8.0 / 7.0 * group_mean(square(advantage), 8), none + 1.0) < 1e-3);
        auto scaled = rollout;
        scaled.rewards = 100.0 * scaled.rewards;
        CHECK(difference(first(grpo{8}(scaled)), advantage) < 1e-3);
    }
    SECTION("a group without spread teaches nothing") {
        auto flat = rollout;
        flat.rewards = 0.0 * flat.rewards + 0.1;
        for (auto const& advantage : {first(rloo{8}(flat)), first(grpo{8}(flat)), first(dr_grpo{8}(flat)),
                                      first(opo{8}(flat)), first(pass_at_k{8}(flat)), first(gpg{8}(flat))})
            CHECK(difference(advantage, none) < 1e-10);  // a rounding, divided by ε in grpo
    }
    SECTION("a constant on all rewards changes nothing") {
        CHECK(difference(first(rloo{4}(shifted)), first(rloo{4}(rollout))) < tolerance);
        CHECK(difference(first(dr_grpo{4}(shifted)), first(dr_grpo{4}(rollout))) < tolerance);
        CHECK(difference(first(opo{4}(shifted)), first(opo{4}(rollout))) < tolerance);
        CHECK(difference(first(grpo{4}(shifted)), first(grpo{4}(rollout))) < tolerance);
        CHECK(difference(first(pass_at_k{4}(shifted)), first(pass_at_k{4}(rollout))) < tolerance);
        CHECK(difference(first(gpg{4}(shifted)), first(gpg{4}(rollout))) < tolerance);
    }
    SECTION("pass_at_k: one row of a group at most, by what it beats the second best") {
        auto const advantage = support::read(first(pass_at_k{8}(rollout))), total = support::read(reward);
        for (int g = 0; g < 32; g += 8) {
            std::vector<double> sorted(total.cells.data() + g, total.cells.data() + g + 8);
            std::sort(sorted.begin(), sorted.end());
            for (int b = g; b < g + 8; ++b)
                CHECK(advantage(b, 0) ==
                      Approx(total(b, 0) == sorted[7] ? sorted[7] - sorted[6] : 0.0).epsilon(tolerance));
        }
    }
    SECTION("gpg: groups without spread scale up those that have it") {
        auto some = batch;
        for (int b = 0; b < 24; ++b)
            for (int t = 0; t < 5; ++t) some.rewards(b, t) = 0.1;  // three groups of four are flat
        auto const scaled = first(gpg{8}(as<TestType>(some))), plain = first(dr_grpo{8}(as<TestType>(some)));
        CHECK(difference(scaled, 4.0 * plain) < tolerance);
    }
    SECTION("opo: where all responses are of one length it is dr_grpo") {
        CHECK(difference(first(opo{8}(rollout)), first(dr_grpo{8}(rollout))) < tolerance);
    }
}

TEST_CASE("group baselines: Eigen and tensors agree, padding never matters") {
    auto const check = [](auto const& estimator) {
        auto const whole = chain(kl_penalty<k3>{}, terminal_score{}, estimator);
        auto batch = support::random_batch(28, 12, 4).rollout;
        auto const exact = whole(batch);
        auto const judged = whole(as<support::field>(batch));
        CHECK(difference(judged.advantages, exact.advantages) < tolerance);
        CHECK(difference(judged.returns, exact.returns) < tolerance);
        CHECK(difference(select(batch.mask, support::array(0.0), exact.advantages), 0.0 * batch.mask) == 0.0);
    };
    check(rloo{4}), check(grpo{4}), check(dr_grpo{4}), check(opo{4}), check(pass_at_k{4}), check(gpg{4}),
        check(reinforce_plus_plus_baseline{dr_grpo{4}, {}});
}

TEST_CASE("group baselines: no critic, and a reference model only for a KL") {
    auto const with = [](auto estimator) { return algorithm{terminal_score{}, estimator, clipped_surrogate{}}; };
    STATIC_REQUIRE_FALSE(needs_critic<decltype(with(rloo{}))>);
    STATIC_REQUIRE_FALSE(needs_critic<decltype(with(grpo{}))>);
    STATIC_REQUIRE_FALSE(needs_critic<decltype(with(dr_grpo{}))>);
    STATIC_REQUIRE_FALSE(needs_critic<decltype(with(opo{}))>);
    STATIC_REQUIRE_FALSE(needs_critic<decltype(with(pass_at_k{}))>);
    STATIC_REQUIRE_FALSE(needs_critic<decltype(with(gpg{}))>);
    STATIC_REQUIRE_FALSE(needs_critic<decltype(with(reinforce_plus_plus_baseline{}))>);
    STATIC_REQUIRE_FALSE(needs_reference<decltype(with(grpo{}))>);
    using deepseek = decltype(algorithm{terminal_score{}, grpo{}, total(clipped_surrogate{}, kl_loss<k3>{})});
    STATIC_REQUIRE_FALSE(needs_critic<deepseek>);
    STATIC_REQUIRE(needs_reference<deepseek>);
    CHECK_THROWS_WITH(validate(rloo{1}), "--group_size must be at least 2, but is 1.");
}
