// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <proximal/lm/train/command_line.hpp>
#include <proximal/proximal.hpp>

using namespace proximal;
using namespace proximal::lm;

namespace {
double value_of_knob(trainable& algorithm, std::string const& name) {
    for (auto const& knob : algorithm.knobs())
        if (knob.name == name) return std::stod(knob.text());
    return std::nan("");
}
trainable grouped() {
    return algorithm{chain(overlong_penalty{.overlong_buffer = 10}, kl_penalty<k1>{.kl_coef = 0.3}, terminal_score{}),
                     rloo{4}, reinforce{}};
}
}  // namespace

TEST_CASE("command_line: only what was given overrules an algorithm's own numbers; lengths follow the response") {
    auto algorithm = grouped();
    run::PPOv2Config config;
    REQUIRE(read_command_line(algorithm, config, "test", {"--response_length", "40", "--group_size", "2"}));
    CHECK((config.kl_coef == 0.05 && value_of_knob(algorithm, "kl_coef") == 0.3));
    CHECK(algorithm.group_size() == 2);
    CHECK(value_of_knob(algorithm, "max_response_length") == 40.0);
    CHECK_THROWS_WITH(
        read_command_line(algorithm, config, "test", {"--response_length=40", "--max_response_length=41"}),
        Catch::Contains("--max_response_length is 41, and a response has 40 tokens at most"));
    REQUIRE(read_command_line(algorithm, config, "test", {"--kl_coef=0.1", "--max_response_length=30"}));
    CHECK((config.kl_coef == 0.1 && value_of_knob(algorithm, "kl_coef") == 0.1));
    CHECK(value_of_knob(algorithm, "max_response_length") == 30.0);
}

TEST_CASE("command_line: a knob outside its range is refused, and a flag can be looked at before the others") {
    auto algorithm = grouped();
    run::PPOv2Config config;
    CHECK_THROWS_WITH(read_command_line(algorithm, config, "test", {"--kl_coef=-1"}),
                      Catch::Contains("--kl_coef must be at least 0"));
    CHECK(run::flag_value({"--seed", "1", "--algorithm", "rloo"}, "algorithm", "ppo") == "rloo");
    CHECK(run::flag_value({"--algorithm=grpo"}, "algorithm", "ppo") == "grpo");
    CHECK(run::flag_value({"--algorithm"}, "algorithm", "ppo") == "ppo");
}
