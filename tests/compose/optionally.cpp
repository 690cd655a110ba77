// SPDX-License-Identifier: Apache-2.0
#include "../support/backends.hpp"

#include <catch2/catch.hpp>

using namespace proximal;
using support::as, support::difference;

namespace {
constexpr auto with_switches(bool penalty, bool whitening) {
    return algorithm{chain(optionally(missing_eos_penalty{1.0}, penalty), kl_penalty<k1>{.kl_coef = 0.05},
                           terminal_score{}, optionally(whiten_rewards{}, whitening)),
                     chain(gae{}, whiten{}), total(clipped_surrogate{}, clipped_value{})};
}
constexpr auto both_off = with_switches(false, false);
}  // namespace

TEMPLATE_TEST_CASE("optionally: on it is the part, off it is nothing", "", BACKENDS) {
    auto const rollout = as<TestType>(support::random_batch(13, 6, 3).rollout);
    auto const plain = chain(kl_penalty<k1>{.kl_coef = 0.05}, terminal_score{})(rollout).rewards;
    auto const whole =
        chain(missing_eos_penalty{1.0}, kl_penalty<k1>{.kl_coef = 0.05}, terminal_score{}, whiten_rewards{})(rollout)
            .rewards;
    CHECK(difference(with_switches(false, false).shaper(rollout).rewards, plain) == 0.0);
    CHECK(difference(with_switches(true, true).shaper(rollout).rewards, whole) == 0.0);
    CHECK_FALSE(difference(with_switches(true, false).shaper(rollout).rewards, plain) == 0.0);
}

TEST_CASE("optionally: needs by type is conservative, needs by value is exact") {
    STATIC_REQUIRE(sources_of<decltype(both_off)>().reads(source::has_eos));
    STATIC_REQUIRE_FALSE(needs(both_off).reads(source::has_eos));
    STATIC_REQUIRE(needs(with_switches(true, false)).reads(source::has_eos));
    CHECK_FALSE(needs(with_switches(false, true)).reads(source::has_eos));
}

TEST_CASE("optionally: its switch is called as its part, its knobs keep their flags") {
    auto tuned = both_off;
    std::vector<std::string> switches, flags;
    visit_switches(tuned, [&](std::string_view part, bool& enabled) {
        switches.emplace_back(part);
        enabled = part == "whiten_rewards";
    });
    visit_knobs(tuned, [&](std::string_view, auto const& knob, double&) { flags.emplace_back(knob.name); });
    CHECK(switches == std::vector<std::string>{"missing_eos_penalty", "whiten_rewards"});
    CHECK(flags == std::vector<std::string>{"missing_eos_penalty", "kl_coef", "gamma", "lam", "cliprange", "vf_coef",
                                            "cliprange_value"});
    CHECK_FALSE(boost::hana::at_c<0>(tuned.shaper.parts).enabled);
    CHECK(boost::hana::at_c<3>(tuned.shaper.parts).enabled);
}
