// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <proximal/judge/judge_options.hpp>
#include <proximal/run/flags.hpp>

using namespace proximal;
using namespace proximal::judge;
using Catch::Contains;

namespace {
judge_options judge_options_of(std::vector<std::string> const& arguments) {
    judge_options options;
    bool const goes_on = run::parse_flags(options, "test", arguments);
    REQUIRE(goes_on);
    validate(options);
    return options;
}
}  // namespace

TEST_CASE("judge_options: TRL's flags and ours") {
    auto const options = judge_options_of({"--judge_model", "gpt-4o", "--num_examples", "1000", "--judge_both_orders",
                                           "--judge_price_in=0.15", "--judge_max_cost=2"});
    CHECK((options.judge_model == "gpt-4o" && options.num_examples == 1000 && options.judge_both_orders));
    CHECK((options.judge_max_cost == 2.0 && options.judge == "endpoint"));
    CHECK(judge_options_of({"--judge", "rule", "--judge_command", "python3 rule.py"}).judge_command ==
          "python3 rule.py");
}

TEST_CASE("judge_options: what is out of range, contradicts or would do nothing is refused") {
    auto const refuses = [](std::vector<std::string> const& arguments, std::string const& why) {
        CHECK_THROWS_WITH(judge_options_of(arguments), Contains(why));
    };
    refuses({"--judge", "oracle"}, "--judge must be one of endpoint, reward_model, rule, rouge_l");
    refuses({"--num_examples", "0"}, "--num_examples must be at least 1");
    refuses({"--judge_timeout", "0"}, "--judge_timeout must be above 0");
    refuses({"--judge_concurrency", "0"}, "--judge_concurrency must be");
    refuses({"--judge_max_cost", "1"}, "--judge_max_cost needs prices");
    refuses({"--judge_command", "x"}, "--judge_command would do nothing");
    refuses({"--judge", "rouge_l", "--judge_command", "x"}, "--judge_command would do nothing");
    refuses({"--judge", "rouge_l", "--judge_both_orders"}, "--judge_both_orders would do nothing");
    refuses({"--judge", "rouge_l", "--judge_cache", "x"}, "--judge_cache would do nothing");
    for (char const* name :
         {"judge_model", "judge_base_url", "judge_api_key_env", "judge_concurrency", "judge_timeout",
          "judge_connect_timeout", "judge_max_retries", "judge_retry_delay", "judge_requests_per_minute",
          "judge_max_failures", "judge_max_tokens", "judge_price_in", "judge_price_out"})
        refuses({"--judge", "reward_model", "--" + std::string(name), "3"},
                "--" + std::string(name) + " would do nothing: it is read by --judge endpoint");
    CHECK_NOTHROW(judge_options_of({"--judge", "rule", "--judge_command", "x", "--judge_timeout", "3"}));
}
