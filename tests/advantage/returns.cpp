// SPDX-License-Identifier: Apache-2.0
#include "../support/backends.hpp"

#include <catch2/catch.hpp>

using namespace proximal;
using support::as, support::difference, support::grid, support::NaN, support::tolerance;

namespace {

/// Rewards at every step, NaN wherever padding is.
proximal::rollout<support::array> dense_rollout() {
    auto result = support::random_batch(26, 12, 7).rollout;
    result.rewards = support::random_batch(26, 12, 8).rollout.values;
    return result;
}
double apart(auto const& a, auto const& b) {
    return std::max(difference(a.advantages, b.advantages), difference(a.returns, b.returns));
}

}  // namespace

TEMPLATE_TEST_CASE("returns: hand numbers", "", BACKENDS) {
    rollout<TestType> const rollout{.values = grid<TestType>({{1, 2, 4}, {1, 2, NaN}}),
                                    .rewards = grid<TestType>({{1, 0, 8}, {1, 8, NaN}}),
                                    .mask = grid<TestType>({{1, 1, 1}, {1, 0, 0}}),
                                    .value_mask = grid<TestType>({{1, 1, 1}, {1, 1, 0}})};
    auto const earned = discounted_returns{.gamma = 0.5}(rollout);
    CHECK(difference(earned.returns, grid<TestType>({{3, 4, 8}, {5, 8, 0}})) < tolerance);
    CHECK(difference(earned.advantages, earned.returns) == 0.0);

    auto const mixed = lambda_returns{.gamma = 0.5, .lam = 0.5}(rollout);  // r + ¼ V' + ¼ R̂'
    CHECK(difference(mixed.returns, grid<TestType>({{2.25, 3, 8}, {3.5, 8, 0}})) < tolerance);
    CHECK(difference(mixed.advantages, grid<TestType>({{1.25, 1, 4}, {2.5, 6, 0}})) < tolerance);

    auto const two = n_step{.gamma = 0.5, .steps = 2}(rollout);  // r + ½ r' + ¼ V''
    CHECK(difference(two.returns, grid<TestType>({{2, 4, 8}, {5, 8, 0}})) < tolerance);
    CHECK(difference(two.advantages, grid<TestType>({{1, 2, 4}, {4, 6, 0}})) < tolerance);

    auto const apart = decoupled_gae<>{0.5, 1.0, {.lam = 0.5}}(rollout);
    CHECK(difference(apart.advantages, grid<TestType>({{1.25, 1, 4}, {2.5, 6, 0}})) < tolerance);
    CHECK(difference(apart.returns, grid<TestType>({{3, 4, 8}, {5, 8, 0}})) < tolerance);
}

TEMPLATE_TEST_CASE("length_adaptive_lambda: hand numbers", "", BACKENDS) {
    auto const mask = grid<TestType>({{1, 1, 1, 1}, {1, 1, 0, 0}, {1, 0, 0, 0}, {0, 0, 0, 0}});
    CHECK(difference(length_adaptive_lambda{.alpha = 1.0}(mask),
                     grid<TestType>({{0.75, 0.75, 0.75, 0.75}, {0.5, 0.5, 0.5, 0.5}, {0, 0, 0, 0}, {0, 0, 0, 0}})) ==
          0.0);
    CHECK(difference(length_adaptive_lambda{.alpha = 0.25}(mask), 0.0 * mask) == 0.0);
    CHECK(difference(constant_lambda{0.5}(mask), 0.0 * mask + 0.5) == 0.0);
}

TEMPLATE_TEST_CASE("returns: laws, with NaN in the padding", "", BACKENDS) {
    auto const rollout = as<TestType>(dense_rollout());
    double const gamma = 0.9;
    auto const gae_with = [&](double lam) { return gae{.gamma = gamma, .lam = lam}(rollout); };
    auto const earned = discounted_returns{.gamma = gamma}(rollout);

    CHECK(difference(gae_with(1.0).returns, earned.returns) < tolerance);  // GAE(1) + V = Monte Carlo
    for (double lam : {0.0, 0.3, 1.0}) {
        CHECK(apart(lambda_returns{.gamma = gamma, .lam = lam}(rollout), gae_with(lam)) < tolerance);
        CHECK(apart(decoupled_gae<>{gamma, lam, {lam}}(rollout), gae_with(lam)) < tolerance);
        auto const decoupled = decoupled_gae<>{gamma, 1.0, {lam}}(rollout);
        CHECK(difference(decoupled.advantages, gae_with(lam).advantages) < tolerance);
        CHECK(difference(decoupled.returns, earned.returns) < tolerance);
    }
    CHECK(apart(n_step{.gamma = gamma, .steps = 1}(rollout), gae_with(0.0)) < tolerance);
    CHECK(apart(n_step{.gamma = gamma, .steps = 12}(rollout), gae_with(1.0)) < tolerance);
    // GAE is the exponential mean of the n-step advantages: (1 − λ) Σ λⁿ⁻¹ Âₙ
    TestType mean = 0.0 * rollout.mask;
    for (int n = 1; n <= 12; ++n)
        mean =
            mean + (n < 12 ? 0.7 : 1.0) * std::pow(0.3, n - 1) * n_step{.gamma = gamma, .steps = n}(rollout).advantages;
    CHECK(difference(mean, gae_with(0.3).advantages) < tolerance);
}

TEMPLATE_TEST_CASE("length_adaptive_lambda: every row is GAE with its own λ", "", BACKENDS) {
    auto const batch = dense_rollout();
    auto const judged = decoupled_gae<length_adaptive_lambda>{0.9, 1.0, {.alpha = 0.5}}(as<TestType>(batch));
    for (int b = 0; b < 26; ++b) {
        double const length = batch.mask.cells.row(b).sum(), lam = std::max(0.0, length > 0 ? 1.0 - 2.0 / length : 0.0);
        auto const alone = gae{.gamma = 0.9, .lam = lam}(rows(batch, std::vector<int>{b}));
        support::array const row = take_rows(support::read(judged.advantages), std::vector<int>{b});
        CHECK(difference(row, alone.advantages) < tolerance);
    }
}

TEST_CASE("returns: Eigen and tensors agree, one program with a shaper before and whitening after") {
    auto const check = [](auto const& estimator) {
        auto const whole = chain(terminal_score{}, estimator, whiten{});
        auto const batch = support::random_batch(29, 12, 4).rollout;
        CHECK(apart(whole(as<support::field>(batch)), whole(batch)) < tolerance);
    };
    check(discounted_returns{.gamma = 0.9}), check(lambda_returns{}), check(n_step{}), check(decoupled_gae<>{});
    check(decoupled_gae<length_adaptive_lambda>{0.99, 1.0, {.alpha = 0.3}});
}

TEST_CASE("returns: knobs and needs") {
    std::vector<std::string> flags;
    auto vapo = decoupled_gae<length_adaptive_lambda>{};
    visit_knobs(vapo, [&](std::string_view, auto const& knob, auto&) { flags.emplace_back(knob.name); });
    CHECK(flags == std::vector<std::string>{"gamma", "critic_lam", "lambda_alpha"});
    CHECK_THROWS_WITH(validate(n_step{.steps = 0}), "--n_step must be at least 1, but is 0.");
    auto const with = [](auto estimator) { return algorithm{terminal_score{}, estimator, clipped_surrogate{}}; };
    STATIC_REQUIRE_FALSE(needs_critic<decltype(with(discounted_returns{}))>);
    STATIC_REQUIRE_FALSE(needs_critic<decltype(with(reinforce_plus_plus{}))>);
    STATIC_REQUIRE(needs_critic<decltype(with(n_step{}))>);
    STATIC_REQUIRE(needs_critic<decltype(with(lambda_returns{}))>);
    STATIC_REQUIRE(needs_critic<decltype(with(decoupled_gae<length_adaptive_lambda>{}))>);
}
