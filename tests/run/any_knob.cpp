// SPDX-License-Identifier: Apache-2.0
#include <boost/hana/back.hpp>
#include <boost/hana/front.hpp>
#include <catch2/catch.hpp>
#include <proximal/proximal.hpp>
#include <proximal/run/config_json.hpp>
#include <proximal/run/flags.hpp>
#include <proximal/run/stock_ppo.hpp>
#include <tuple>

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

namespace {
struct gate {  // a part of somebody else's
    double cliprange = 0.2;
    static constexpr auto knobs = reflect(knob<"cliprange">(&gate::cliprange, "width"));
    constexpr auto operator()(Token auto const& token) const { return -token.advantage * token.log_ratio; }
};
struct counting_gate {
    int cliprange = 2;
    static constexpr auto knobs = reflect(knob<"cliprange">(&counting_gate::cliprange, "width"));
    constexpr auto operator()(Token auto const& token) const { return -token.advantage * token.log_ratio; }
};
}  // namespace

TEST_CASE("any_knob: two parts may share a knob, but not with two values or types: both parts are named") {
    auto shared = total(clipped_surrogate{}, gate{});
    REQUIRE(parse_flags(any_knobs(shared), "test", {"--cliprange", "0.3"}));
    CHECK((boost::hana::front(shared.terms).cliprange == 0.3 && boost::hana::back(shared.terms).cliprange == 0.3));
    auto compared = chain(drop_flat_groups{4}, grpo{4});
    CHECK(any_knobs(compared).size() == 2);
    auto differing = total(clipped_surrogate{}, gate{.cliprange = 0.5});
    CHECK_THROWS_WITH(
        any_knobs(differing),
        "the parts clipped_surrogate and gate both have a knob cliprange, 0.2 in one and 0.5 in the other, "
        "and --cliprange sets both: give them one value, or one of them another name");
    auto typed = total(clipped_surrogate{.cliprange = 2.0}, counting_gate{});
    CHECK_THROWS_WITH(any_knobs(typed),
                      "the parts clipped_surrogate and counting_gate both have a knob cliprange, a number in one and a "
                      "whole number in the other: give one of them another name");
}

TEST_CASE("any_knob: of two parts that can be switched off each has its own switch, and one flag turns both") {
    auto twice = chain(optionally(missing_eos_penalty{}, false), optionally(whiten_rewards{}, true),
                       optionally(missing_eos_penalty{}, false), optionally(whiten_rewards{}, true));
    REQUIRE(parse_flags(any_knobs(twice), "test", {"--missing_eos_penalty", "3", "--whiten_rewards", "false"}));
    auto const& [first, second, third, fourth] =
        std::tie(twice.parts[boost::hana::size_c<0>], twice.parts[boost::hana::size_c<1>],
                 twice.parts[boost::hana::size_c<2>], twice.parts[boost::hana::size_c<3>]);
    CHECK((first.enabled && third.enabled && !second.enabled && !fourth.enabled));
    CHECK((first.part.penalty == 3.0 && third.part.penalty == 3.0));
    first.enabled = false;
    CHECK_THROWS_WITH(any_knobs(twice), Catch::Contains("both have a knob missing_eos_penalty, none in one and 3"));
}

TEST_CASE("any_knob: a part's knob may not take the name of a flag of the program's, but where it is shared") {
    PPOv2Config config;
    auto stock = stock_ppo({});
    CHECK_NOTHROW(refuse_taken_names(any_knobs(stock), any_knobs(config), algorithm_fields));
    double number = 0.0;
    for (auto const* const name : {"seed", "learning_rate", "config", "help"})
        CHECK_THROWS_WITH(
            refuse_taken_names({knob_for(number, name, "gate", "", "")}, any_knobs(config), algorithm_fields),
            "the part gate has a knob " + std::string(name) + ", and --" + name +
                " is the program's: give the knob another name");
}

TEST_CASE("any_knob: the stock algorithm takes its switches from the command line") {
    PPOv2Config config;
    auto ppo = stock_ppo({});
    REQUIRE(parse_flags(config, "test", {"--missing_eos_penalty", "1.0"}, ppo));
    CHECK(needs(ppo).reads(source::has_eos));
    CHECK_FALSE(needs(stock_ppo({})).reads(source::has_eos));
}
