// SPDX-License-Identifier: Apache-2.0
#include "recorded.hpp"

using namespace proximal;
using namespace reference;

// rlax knows no mask: each row was given as long as it counts, with 0 as what the last state is worth. Ours end so too.
namespace {

library const& rlax() {
    static library const recorded("rlax");
    return recorded;
}
rollout<array> rollout_of_rlax() {
    array const mask = rlax().input("mask");
    return {.logprobs = rlax().input("logprobs"),
            .values = rlax().input("values"),
            .rewards = rlax().input("rewards"),
            .mask = mask,
            .value_mask = mask,
            .behaviour_logprobs = rlax().input("behaviour_logprobs")};
}

}  // namespace

TEST_CASE("rlax: gae and lambda_returns") {
    auto const rollout = rollout_of_rlax();
    rlax().each("truncated_generalized_advantage_estimation", [&](recorded_case const& c) {
        double const gamma = c.number("gamma"), lam = c.number("lam");
        CHECK(apart(gae{gamma, lam}(rollout).advantages, c.result("advantages")) < tolerance);
        CHECK(apart(lambda_returns{gamma, lam}(rollout).advantages, c.result("advantages")) < tolerance);
        CHECK(apart(masked_gae{gamma, lam}(rollout).advantages, c.result("advantages")) < tolerance);
        CHECK(apart(decoupled_gae<>{gamma, 1.0, {lam}}(rollout).advantages, c.result("advantages")) < tolerance);
    });
    rlax().each("lambda_returns", [&](recorded_case const& c) {
        double const gamma = c.number("gamma"), lam = c.number("lam");
        CHECK(apart(lambda_returns{gamma, lam}(rollout).returns, c.result("returns")) < tolerance);
        CHECK(apart(gae{gamma, lam}(rollout).returns, c.result("returns")) < tolerance);
        CHECK(apart(decoupled_gae<>{gamma, lam, {0.3}}(rollout).returns, c.result("returns")) < tolerance);
    });
}

TEST_CASE("rlax: n_step and discounted_returns") {
    auto const rollout = rollout_of_rlax();
    rlax().each("n_step_bootstrapped_returns", [&](recorded_case const& c) {
        n_step const ours{.gamma = c.number("gamma"), .steps = static_cast<int>(c.number("n_step"))};
        CHECK(apart(ours(rollout).returns, c.result("returns")) < tolerance);
    });
    rlax().each("discounted_returns", [&](recorded_case const& c) {
        CHECK(apart(discounted_returns{c.number("gamma")}(rollout).returns, c.result("returns")) < tolerance);
    });
}

TEST_CASE("rlax: v_trace and leaky_v_trace, returns and advantages") {
    auto const rollout = rollout_of_rlax();
    auto const part = [](recorded_case const& c) {
        return v_trace{c.number("gamma"), c.number("lam"), c.number("clip_rho"), c.number("clip_pg_rho")};
    };
    rlax().each("vtrace_td_error_and_advantage", [&](recorded_case const& c) {
        auto const judged = part(c)(rollout);
        CHECK(apart(judged.returns, c.result("returns")) < tolerance);
        CHECK(apart(judged.advantages, c.result("advantages")) < tolerance);
    });
    rlax().each("leaky_vtrace", [&](recorded_case const& c) {
        auto const judged = leaky_v_trace{.alpha = c.number("alpha"), .part = part(c)}(rollout);
        array const values = select(rollout.mask, rollout.values, 0.0);
        CHECK(apart(judged.returns, c.result("returns")) < tolerance);
        CHECK(apart(judged.returns - values, c.result("errors")) < tolerance);
        CHECK(apart(judged.advantages, c.result("advantages")) < tolerance);
    });
}

TEST_CASE("rlax: retrace, where V(s) stands for Q(s, a)") {
    auto const rollout = rollout_of_rlax();
    rlax().each("retrace_continuous", [&](recorded_case const& c) {
        auto const judged = retrace{c.number("gamma"), c.number("lam")}(rollout);
        CHECK(apart(judged.advantages, c.result("advantages")) < tolerance);
    });
    rlax().each("general_off_policy_returns_from_q_and_v", [&](recorded_case const& c) {
        auto const judged = retrace{c.number("gamma"), c.number("lam")}(rollout);
        CHECK(apart(judged.returns, c.result("returns")) < tolerance);
    });
}
