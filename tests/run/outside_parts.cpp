// SPDX-License-Identifier: Apache-2.0
#include "../support/outside_parts.hpp"

#include <catch2/catch.hpp>
#include <proximal/run/config_json.hpp>
#include <proximal/run/flags.hpp>
#include <proximal/run/ppo_config.hpp>

// What a trainer does with a stock part's knobs it does with those of a part in another namespace.

TEST_CASE("outside parts: flags") {
    mine::soft_gate<> gate;
    CHECK(proximal::run::parse_flags(gate, "test", {"--tau=3", "--pull", "0.25"}));
    CHECK(gate.tau == 3.0);
    CHECK(gate.pull == 0.25);
    CHECK_THROWS_WITH(proximal::run::parse_flags(gate, "test", {"--tua", "1"}),
                      "there is no flag --tua: did you mean --tau? See --help");
}

TEST_CASE("outside parts: JSON, there and back") {
    mine::soft_gate<> gate{.tau = 4.0};
    auto const object = proximal::run::to_json_object(gate);
    CHECK(object.dump() == R"({"pull":0.5,"tau":4})");
    mine::soft_gate<> read;
    proximal::run::read_known_keys(read, object);
    CHECK(read.tau == 4.0);
    CHECK_THROWS_WITH(proximal::run::read_known_keys(read, nlohmann::json{{"tau", "steep"}}),
                      "the key 'tau' expects a number, not \"steep\"");
}

TEST_CASE("config_json: the word none is a value where a knob is always set, and null where it may be unset") {
    proximal::run::PPOv2Config config;
    config.report_to = "none";
    auto const object = proximal::run::to_json_object(config);
    CHECK(object["report_to"] == "none");
    CHECK(object["stop_token"].is_null());
}
