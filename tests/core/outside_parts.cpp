// SPDX-License-Identifier: Apache-2.0
#include "../support/outside_parts.hpp"

#include <boost/hana/for_each.hpp>
#include <catch2/catch.hpp>
#include <proximal/compose/token_source.hpp>
#include <proximal/eigen.hpp>
#include <proximal/numeric/pack.hpp>
#include <set>

// A part in a namespace of its author's gets what a stock part has: each way in which the library looks at a part.

using proximal::eigen::array, proximal::number;

namespace {

auto const ours = mine::algorithm_with(proximal::total(mine::soft_gate<>{}, mine::doubled<proximal::squared_value>{}));

array row(double a, double b) {
    array x(1, 2);
    x(0, 0) = a, x(0, 1) = b;
    return x;
}
proximal::rollout<array> const two_tokens{.logprobs = row(-1.0, -2.0),
                                          .ref_logprobs = row(-1.5, -1.5),
                                          .values = row(0.5, 0.25),
                                          .rewards = row(0.0, 0.0),
                                          .mask = row(1.0, 1.0),
                                          .value_mask = row(1.0, 1.0),
                                          .scores = array(3.0)};
proximal::prediction<array> const now{.logprobs = row(-0.75, -2.5), .values = row(0.75, 0.0)};

std::set<std::string> knob_names(auto part) {
    std::set<std::string> names;
    proximal::visit_knobs(part, [&](std::string_view whose, auto const& knob, auto& value) {
        names.insert(std::string(whose) + "." + std::string(knob.name));
        value = 0.125;  // a flag sets it through this reference
    });
    return names;
}

}  // namespace

TEST_CASE("outside parts: what they read is found at compile time") {
    using only_gate = decltype(mine::algorithm_with(mine::soft_gate<>{}));
    STATIC_REQUIRE(proximal::needs_reference<only_gate>);
    STATIC_REQUIRE_FALSE(proximal::needs_entropy<only_gate>);
    STATIC_REQUIRE(proximal::sources_of<only_gate>().reads(proximal::source::score));
}

TEST_CASE("outside parts: knobs are named, set, refused, tabulated") {
    CHECK(knob_names(ours) == std::set<std::string>{"toll.toll", "gae.gamma", "gae.lam", "soft_gate.tau",
                                                    "soft_gate.pull", "squared_value.vf_coef"});
    auto tuned = ours;
    proximal::visit_knobs(tuned, [](std::string_view, auto const&, double& value) { value = 0.125; });
    CHECK(boost::hana::at_c<0>(tuned.shaper.parts).per_token == 0.125);
    CHECK(boost::hana::at_c<1>(tuned.formula.terms).part.vf_coef == 0.125);
    boost::hana::at_c<0>(tuned.formula.terms).tau = 0.0;
    CHECK_THROWS_WITH(proximal::validate(tuned), "--tau must be above 0, but is 0.");
    CHECK(proximal::knob_table(mine::toll{}) ==
          "| flag | default | accepts | meaning | part |\n|---|---|---|---|---|\n"
          "| `--toll` | 0.25 | at least 0 | taken from every token's reward | `toll` |\n");
    std::set<std::string> members;  // a Hana Struct without registration
    boost::hana::for_each(mine::soft_gate<>{},
                          [&](auto const& member) { members.emplace(boost::hana::first(member)); });
    CHECK(members == std::set<std::string>{"tau", "pull"});
}

TEST_CASE("outside parts: an absent array that a part reads is refused by name, before anything is computed") {
    auto const without = [](auto batch, auto member) {
        batch.*member = {};
        return batch;
    };
    using rollout = proximal::rollout<array>;
    using experience = proximal::experience<array>;
    CHECK_THROWS_WITH(ours.evaluate(without(two_tokens, &rollout::values)),
                      "proximal: gae reads values, which the rollout does not hold");
    CHECK_THROWS_WITH(ours.evaluate(without(two_tokens, &rollout::scores)),
                      "proximal: terminal_score reads scores, which the rollout does not hold");
    CHECK_THROWS_WITH(ours.shaper(without(two_tokens, &rollout::mask)),
                      "proximal: toll reads mask, which the rollout does not hold");
    mine::paid_twice<mine::toll> twice;
    CHECK_THROWS_WITH(twice(without(two_tokens, &rollout::rewards)),
                      "proximal: toll reads rewards, which the rollout does not hold");
    CHECK_THROWS_WITH(proximal::run_and_adapt(twice, without(two_tokens, &rollout::rewards)),
                      "proximal: toll reads rewards, which the rollout does not hold");
    proximal::optionally<proximal::missing_eos_penalty> eos;
    CHECK_THROWS_WITH(eos(two_tokens), "proximal: missing_eos_penalty reads has_eos, which the rollout does not hold");
    eos.enabled = false;
    CHECK_NOTHROW(eos(two_tokens));
    CHECK_NOTHROW(proximal::run_part{}(mine::careful{}, without(two_tokens, &rollout::ref_logprobs)));
    CHECK_THROWS_WITH(proximal::run_part{}(mine::talkative{}, without(two_tokens, &rollout::values)),  // not constexpr
                      "proximal: talkative reads values, which the rollout does not hold");

    auto const then = ours.evaluate(two_tokens);
    auto const losses = [](auto const& algorithm, auto const& then, auto const& now, std::string const& sentence) {
        CHECK_THROWS_WITH(algorithm.measure(then, now), sentence);
        CHECK_THROWS_WITH(proximal::eigen::loss_and_gradient(algorithm, then, now), sentence);
    };
    losses(ours, without(then, &experience::ref_logprobs), now,
           "proximal: soft_gate reads ref_logprobs, which the rollout does not hold");
    losses(ours, without(then, &experience::returns), now,
           "proximal: squared_value reads returns, which the experience does not hold");
    losses(ours, without(then, &experience::value_mask), now,
           "proximal: squared_value reads value_mask, which the rollout does not hold");
    losses(ours, then, without(now, &proximal::prediction<array>::values),
           "proximal: squared_value reads values, which the prediction does not hold");
    losses(mine::algorithm_with(proximal::gmpo{}), without(then, &experience::advantages), now,
           "proximal: gmpo reads advantages, which the experience does not hold");
    losses(mine::algorithm_with(proximal::total(proximal::gspo{}, proximal::positive_lm{})),
           without(then, &experience::scores), now,
           "proximal: positive_lm reads scores, which the rollout does not hold");
    auto sure = now;
    sure.entropies = row(0.5, 0.5);
    losses(mine::algorithm_with(mine::watchful{}), without(then, &experience::ref_logprobs), sure,
           "proximal: watchful reads ref_logprobs, which the rollout does not hold");
    losses(mine::algorithm_with(mine::talkative_loss{}), without(then, &experience::advantages), now,
           "proximal: talkative_loss reads advantages, which the experience does not hold");
    auto const policy = mine::algorithm_with(proximal::clipped_surrogate{});  // reads nothing of a critic's
    auto const some = without(without(then, &experience::value_mask), &experience::values);
    CHECK(policy.loss(some, now)(0, 0) == policy.loss(then, now)(0, 0));
    CHECK(proximal::eigen::loss_and_gradient(policy, some, now).loss ==
          proximal::eigen::loss_and_gradient(policy, then, now).loss);
}

TEST_CASE("outside parts: what only a metric reads is needed too") {
    using watching = decltype(mine::algorithm_with(mine::watchful{}));
    STATIC_REQUIRE(proximal::needs_reference<watching>);
    STATIC_REQUIRE(proximal::needs_entropy<watching>);
    STATIC_REQUIRE(proximal::reads_score<mine::watchful>);
    STATIC_REQUIRE_FALSE(proximal::reads_of(mine::watchful{}).reads(proximal::source::value));
}

TEST_CASE("outside parts: a composer is what says so, whatever members are called") {
    mine::third_part third;
    CHECK(knob_names(third).empty());
    proximal::visit_parts(third, [](auto const&) { FAIL("it is made of nothing"); });
    proximal::visit_switches(third, [](auto, auto const&) { FAIL("it is no switch"); });
    CHECK(proximal::run_and_adapt(third, two_tokens).rewards(0, 0) == 0.0);
    CHECK(knob_names(mine::paid_twice<mine::toll>{}) == std::set<std::string>{"toll.toll"});
}

TEST_CASE("outside parts: what a composer hands its input to learns from the batch") {
    mine::paid_twice<proximal::chain<mine::toll, mine::tally>> twice;
    auto const shaped = proximal::run_and_adapt(twice, two_tokens);
    CHECK(boost::hana::at_c<1>(twice.shaper.parts).batches == 1);
    CHECK(shaped.rewards(0, 0) == -0.5);
    CHECK(twice(two_tokens).rewards(0, 0) == -0.5);
    proximal::optionally<mine::tally> off(mine::tally{}, false);
    proximal::run_and_adapt(off, two_tokens);
    CHECK(off.part.batches == 0);
}

TEST_CASE("outside parts: loss, metrics and gradient by hand, on the reference, through pairs of tokens and as text") {
    auto const then = ours.evaluate(two_tokens);  // rewards −0.25 and 2.75: returns 2.5 and 2.75, less V
    CHECK(then.advantages(0, 0) == 2.0);
    CHECK(then.advantages(0, 1) == 2.5);
    double const r = std::expm1(0.25), open = 1.0 / (1.0 + std::exp(-2.0 * r));
    double const opened_slope = open * (1.0 - open) * 2.0 * std::exp(0.25);

    auto const measured = ours.measure(then, now);
    CHECK(boost::hana::at_c<0>(measured.metrics).name == "mine/opened_avg");
    double const open2 = 1.0 / (1.0 + std::exp(-2.0 * std::expm1(-0.5)));
    CHECK(boost::hana::at_c<0>(measured.metrics).value(0, 0) == Approx(0.5 * (open + open2)));

    auto const exact = proximal::eigen::loss_and_gradient(ours, then, now);
    double const gate = 0.5 * (0.25 * 0.75 * 0.75 - 2.0 * open) + 0.5 * (0.25 - 2.5 * open2);
    double const critic = 0.5 * 2.0 * 0.1 * 0.5 * (1.75 * 1.75 + 2.75 * 2.75);
    CHECK(exact.loss == Approx(gate + critic));
    CHECK(measured.loss(0, 0) == Approx(exact.loss));
    CHECK(exact.gradient.logprobs(0, 0) == Approx(0.5 * (0.5 * 0.75 - 2.0 * opened_slope)));

    using pack = proximal::pack<double>;  // the fused pass
    auto const lane = [](double a, double b) {
        pack x(0.0);
        x.lanes[0] = a, x.lanes[1] = b;
        return x;
    };
    auto const both = proximal::as_measured(mine::soft_gate<>{}(
        proximal::differentiated_token<pack>{.logprob = number<pack, 3>::variable<0>(lane(-0.75, -2.5)),
                                             .old_logprob = number<pack>::constant(lane(-1.0, -2.0)),
                                             .ref_logprob = number<pack>::constant(lane(-1.5, -1.5)),
                                             .advantage = number<pack>::constant(lane(2.0, 2.5))}));
    CHECK(0.5 * both.loss.partial<0>().lanes[0] == Approx(exact.gradient.logprobs(0, 0)));
    CHECK(0.5 * both.loss.partial<0>().lanes[1] == Approx(exact.gradient.logprobs(0, 1)));

    auto const text = proximal::token_source(ours.formula);  // the body of a kernel
    CHECK(text.body.find("ref_logprob") != std::string::npos);
    CHECK(text.body.find("metric_0") != std::string::npos);
}
