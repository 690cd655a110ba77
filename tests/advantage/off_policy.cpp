// SPDX-License-Identifier: Apache-2.0
#include "../support/backends.hpp"

#include <catch2/catch.hpp>

using namespace proximal;
using support::as, support::difference, support::grid, support::NaN, support::tolerance;

namespace {

double apart(auto const& a, auto const& b) {
    return std::max(difference(a.advantages, b.advantages), difference(a.returns, b.returns));
}

/// Rewards at every step, NaN wherever padding is, and a sampler that is not the policy.
proximal::rollout<support::array> dense_rollout() {
    auto result = support::random_batch(26, 12, 7).rollout;
    result.rewards = support::random_batch(26, 12, 8).rollout.values;
    return result;
}

template <class Array>
rollout<Array> two_steps() {  // w = 2, ½; the third step is padding
    return {.logprobs = grid<Array>({{std::log(2.0), -std::log(2.0), NaN}}),
            .values = grid<Array>({{1, 2, NaN}}),
            .rewards = grid<Array>({{1, 8, NaN}}),
            .mask = grid<Array>({{1, 1, 0}}),
            .value_mask = grid<Array>({{1, 1, 0}}),
            .behaviour_logprobs = grid<Array>({{0, 0, NaN}})};
}

}  // namespace

TEMPLATE_TEST_CASE("v_trace: hand numbers", "", BACKENDS) {
    v_trace const estimator{.gamma = 0.5, .lam = 0.5, .clip_rho = 1.0, .clip_pg_rho = 1.5};
    auto const judged = estimator(two_steps<TestType>());
    // t = 1: δ = ½ (8 − 2); t = 0: δ = 1 (1 + ½ 2 − 1), R̂ = 1 + δ + ½ ½ (5 − 2), Â = 1.5 (1 + ½ (½ 5 + ½ 2) − 1)
    CHECK(difference(judged.returns, grid<TestType>({{2.75, 5, 0}})) < tolerance);
    CHECK(difference(judged.advantages, grid<TestType>({{2.625, 3, 0}})) < tolerance);
    auto const wider = v_trace{.gamma = 0.5, .lam = 0.5, .clip_rho = 1.5, .clip_pg_rho = 1.0}(two_steps<TestType>());
    CHECK(difference(wider.returns, grid<TestType>({{3.25, 5, 0}})) < tolerance);
    CHECK(difference(wider.advantages, grid<TestType>({{1.75, 3, 0}})) < tolerance);
}

TEMPLATE_TEST_CASE("leaky_v_trace: hand numbers", "", BACKENDS) {
    leaky_v_trace const estimator{.alpha = 0.5,
                                  .part = {.gamma = 0.5, .lam = 0.5, .clip_rho = 1.0, .clip_pg_rho = 1.5}};
    auto const judged = estimator(two_steps<TestType>());
    CHECK(difference(judged.returns, grid<TestType>({{3.625, 5, 0}})) < tolerance);
    CHECK(difference(judged.advantages, grid<TestType>({{3.0625, 3, 0}})) < tolerance);
}

TEMPLATE_TEST_CASE("retrace: hand numbers", "", BACKENDS) {
    auto const judged = retrace{.gamma = 0.5, .lam = 0.5}(two_steps<TestType>());
    CHECK(difference(judged.returns, grid<TestType>({{2.75, 8, 0}})) < tolerance);  // 1 + ½ (2 + ¼ (8 − 2))
    CHECK(difference(judged.advantages, grid<TestType>({{1.75, 6, 0}})) < tolerance);
    auto other = two_steps<TestType>();
    other.logprobs = -other.logprobs;  // w = ½, 2: the trace is cut at 1
    CHECK(difference(retrace{.gamma = 0.5, .lam = 0.5}(other).returns, grid<TestType>({{3.5, 8, 0}})) < tolerance);
}

TEMPLATE_TEST_CASE("off-policy estimators: laws, with NaN in the padding", "", BACKENDS) {
    auto const rollout = as<TestType>(dense_rollout());
    auto on_policy = rollout;
    on_policy.behaviour_logprobs = on_policy.logprobs;
    for (double lam : {0.0, 0.6, 1.0}) {
        auto const expected = gae{.gamma = 0.9, .lam = lam}(rollout);
        CHECK(apart(v_trace{.gamma = 0.9, .lam = lam}(on_policy), expected) < tolerance);  // at ratio 1 all are GAE
        CHECK(apart(leaky_v_trace{.alpha = 0.3, .part = {.gamma = 0.9, .lam = lam}}(on_policy), expected) < tolerance);
        CHECK(apart(retrace{.gamma = 0.9, .lam = lam}(on_policy), expected) < tolerance);
        v_trace const sharp{.gamma = 0.9, .lam = lam, .clip_rho = 0.8, .clip_pg_rho = 1.2};
        CHECK(apart(leaky_v_trace{.alpha = 1.0, .part = sharp}(rollout), sharp(rollout)) < tolerance);
        CHECK(apart(leaky_v_trace{.alpha = 0.0, .part = sharp}(rollout),
                    sharp.corrected(rollout, importance_ratio(rollout), importance_ratio(rollout),
                                    importance_ratio(rollout))) < tolerance);
    }
    // λ = 0: a single weighted temporal difference
    auto const values = select(rollout.value_mask, rollout.values, 0.0);
    auto const td = select(rollout.value_mask, rollout.rewards, 0.0) + 0.9 * next_step(values) - values;
    v_trace const one_step{.gamma = 0.9, .lam = 0.0};
    CHECK(difference(one_step(rollout).returns - values, min(importance_ratio(rollout), 1.0) * td) < tolerance);
    CHECK(difference(retrace{.gamma = 0.9, .lam = 0.0}(rollout).advantages, td) < tolerance);
    // c = 0 cuts whatever comes later: a sampler that was infinitely likelier than the policy
    auto cut = rollout;
    cut.behaviour_logprobs = cut.logprobs + 1e4;
    CHECK(difference(retrace{.gamma = 0.9, .lam = 1.0}(cut).advantages,
                     select(next_step(rollout.mask), td, retrace{.gamma = 0.9, .lam = 1.0}(cut).advantages)) <
          tolerance);
    CHECK(difference(select(rollout.mask, v_trace{}(cut).advantages, 0.0), 0.0 * values) < tolerance);
}

TEST_CASE("off-policy estimators: knobs and needs") {
    std::vector<std::string> flags;
    auto leaky = leaky_v_trace{};
    visit_knobs(leaky, [&](std::string_view, auto const& knob, auto&) { flags.emplace_back(knob.name); });
    CHECK(flags == std::vector<std::string>{"leak_alpha", "gamma", "lam", "clip_rho", "clip_pg_rho"});
    auto const with = [](auto estimator) { return algorithm{terminal_score{}, estimator, reinforce{}}; };
    STATIC_REQUIRE(needs_behaviour<decltype(with(v_trace{}))>);
    STATIC_REQUIRE(needs_behaviour<decltype(with(leaky_v_trace{}))>);
    STATIC_REQUIRE(needs_behaviour<decltype(with(retrace{}))>);
    STATIC_REQUIRE(needs_critic<decltype(with(v_trace{}))>);
    STATIC_REQUIRE_FALSE(needs_behaviour<decltype(with(gae{}))>);
    STATIC_REQUIRE(needs_behaviour<decltype(with(chain(gae{}, truncated_importance{})))>);
}
