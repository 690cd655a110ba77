// SPDX-License-Identifier: Apache-2.0
#include "../../support/backends.hpp"

#include <catch2/catch.hpp>
#include <proximal/lm/train/trainable.hpp>

using namespace proximal;
using namespace proximal::lm;
using support::as, support::difference;

namespace {
auto stock() {
    return algorithm{
        chain(missing_eos_penalty{1.0}, kl_penalty<k1>{.kl_coef = 0.3}, terminal_score{}, whiten_rewards{}),
        chain(gae{}, whiten{}), total(clipped_surrogate{}, clipped_value{})};
}
struct toll {  // a shaper of one's own, which declares nothing
    template <class Array>
    constexpr rollout<Array> operator()(rollout<Array> rollout) const {
        rollout.rewards = rollout.rewards - 0.25 * rollout.mask;
        return rollout;
    }
};
}  // namespace

TEST_CASE("trainable: says and computes what the algorithm does") {
    auto const batch = support::random_batch(26, 12, 7);
    auto const recorded = as<support::field>(batch.rollout);
    auto now = as<support::field>(batch.now);
    auto const algorithm = stock();
    trainable erased = algorithm;
    auto const evaluated = erased.evaluate(recorded);
    CHECK(difference(evaluated.judged.advantages, algorithm.evaluate(recorded).advantages) == 0.0);
    now.logprobs.tensor.requires_grad_();
    auto const measured = erased.loss(evaluated.judged, now);
    CHECK(measured.loss.item<double>() == item(algorithm.loss(evaluated.judged, now)));
    CHECK(measured.metrics.size() == 4);
    CHECK((erased.needs_critic() && erased.needs_reference() && !erased.needs_baseline() && !erased.needs_behaviour()));
    CHECK((erased.group_size() == 1 && !erased.is_guarded()));
    CHECK(erased.guard({}) == verdict::take);
}

TEST_CASE("trainable: charged is what shapers took beside the score, before rewards are rescaled") {
    auto const recorded = as<support::field>(support::random_batch(26, 12, 7).rollout);
    auto const inside = select(recorded.mask, recorded.logprobs - recorded.ref_logprobs, 0.0);
    CHECK(difference(trainable(stock()).evaluate(recorded).charged, support::field(-0.3 * row_sum(inside))) < 1e-12);
    auto const tolled = algorithm{chain(toll{}, kl_penalty<k3>{.kl_coef = 0.1}, terminal_score{}), gae{}, reinforce{}};
    auto const k3_sum = row_sum(select(recorded.mask, k3{}(recorded.logprobs, recorded.ref_logprobs), 0.0));
    CHECK(difference(trainable(tolled).evaluate(recorded).charged,
                     support::field(-0.25 * row_sum(recorded.mask) - 0.1 * k3_sum)) < 1e-12);
    CHECK(absent(trainable(algorithm{terminal_score{}, gae{}, reinforce{}}).evaluate(recorded).charged));
}

TEST_CASE("trainable: a copy learns by itself; knobs, switches and lengths reach the parts") {
    auto const recorded = as<support::field>(support::random_batch(26, 12, 7).rollout);
    trainable one = algorithm{
        chain(optionally(missing_eos_penalty{1.0}, false), overlong_penalty{},
              controlled_kl_penalty<k1>{{.kl_coef = 0.1, .kl_target = 1e-3, .kl_horizon = 100.0}}, terminal_score{}),
        rloo{2}, reinforce{}, token_sum{}};
    trainable other = one;
    one.evaluate(recorded);
    CHECK(*other.evaluate(recorded).reported.find("objective/kl_coef") == 0.1);
    CHECK(*one.evaluate(recorded).reported.find("objective/kl_coef") != 0.1);

    one.assume_response_length(40.0);
    std::map<std::string, std::string> values;
    auto const look = [&] {
        for (auto const& knob : one.knobs()) values[knob.name] = knob.text();
    };
    look();
    CHECK((values["max_response_length"] == "40" && values["loss_scale_factor"] == "40"));
    CHECK(values["missing_eos_penalty"] == "none");  // it is off
    for (auto const& knob : one.knobs()) {
        if (knob.name == "missing_eos_penalty") knob.read("2.5");
        if (knob.name == "group_size") knob.read("13");
    }
    look();
    CHECK(values["missing_eos_penalty"] == "2.5");  // giving it a value turned it on
    CHECK(one.group_size() == 13);
    for (auto const& knob : one.knobs())
        if (knob.name == "overlong_factor") knob.read("-1");
    CHECK_THROWS_WITH(one.check(), Catch::Contains("--overlong_factor must be at least 0"));
    CHECK_THROWS_WITH(trainable(algorithm{terminal_score{}, rloo{1}, reinforce{}}), Catch::Contains("--group_size"));
}
