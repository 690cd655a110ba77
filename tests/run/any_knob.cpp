// SPDX-License-Identifier: Apache-2.0
#include <boost/hana/front.hpp>
#include <catch2/catch.hpp>
#include <proximal/proximal.hpp>
#include <proximal/run/config_json.hpp>
#include <proximal/run/flags.hpp>
#include <proximal/run/stock_ppo.hpp>

using namespace proximal;
using namespace proximal::run;

TEST_CASE("any_knob: giving a switched-off part's knob a value turns the part on, and none turns it off") {
    auto shaper = chain(optionally(missing_eos_penalty{1.0}, false), optionally(whiten_rewards{}, false));
    auto const knobs = any_knobs(shaper);
    auto const enabled = [&] { return boost::hana::front(shaper.parts).enabled; };
    CHECK(knobs_json(knobs).dump() == R"({"missing_eos_penalty":null,"whiten_rewards":false})");
    auto const given = parse_flags(knobs, "test", {"--missing_eos_penalty", "2", "--whiten_rewards"});
    REQUIRE(given.has_value());
    CHECK((*given == given_flags{{"missing_eos_penalty", {"2"}}, {"whiten_rewards", {"true"}}}));
    CHECK(enabled());
    CHECK(knobs_json(knobs).dump() == R"({"missing_eos_penalty":2,"whiten_rewards":true})");
    parse_flags(knobs, "test", {"--missing_eos_penalty=None"});
    CHECK_FALSE(enabled());
}

TEST_CASE("any_knob: one flag reaches every knob of its name, and what is not given stays") {
    PPOv2Config config;
    algorithm ppo{chain(kl_penalty<k1>{.kl_coef = 0.3}, terminal_score{}), gae{.gamma = 0.9}, clipped_surrogate{}};
    REQUIRE(parse_flags(config, "test", {"--kl_coef", "0.1"}, ppo));
    CHECK((config.kl_coef == 0.1 && boost::hana::front(ppo.shaper.parts).kl_coef == 0.1));
    CHECK(ppo.estimator.gamma == 0.9);  // the algorithm's own number, though the configuration has another default
}

TEST_CASE("any_knob: the stock algorithm takes its switches from the command line") {
    PPOv2Config config;
    auto ppo = stock_ppo({});
    REQUIRE(parse_flags(config, "test", {"--missing_eos_penalty", "1.0"}, ppo));
    CHECK(needs(ppo).reads(source::has_eos));
    CHECK_FALSE(needs(stock_ppo({})).reads(source::has_eos));
}
