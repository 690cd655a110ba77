// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <proximal/knob.hpp>
#include <stdexcept>
#include <string>
#include <string_view>

namespace proximal::judge {

/// Who judges, and within what bounds. judge_model and num_examples are TRL's names.
struct judge_options {
    std::string judge = "endpoint";
    std::string judge_model = "gpt-4o-mini";
    std::string judge_base_url = "https://api.openai.com/v1";
    std::string judge_api_key_env = "OPENAI_API_KEY";
    std::optional<std::string> judge_command;
    std::optional<std::int64_t> num_examples;
    bool judge_both_orders = false;
    std::int64_t judge_concurrency = 8;
    double judge_timeout = 60.0;
    double judge_connect_timeout = 10.0;
    std::int64_t judge_max_retries = 5;
    double judge_retry_delay = 1.0;
    double judge_requests_per_minute = 0.0;
    std::int64_t judge_max_failures = 10;
    std::int64_t judge_max_tokens = 8;
    double judge_price_in = 0.0;
    double judge_price_out = 0.0;
    std::optional<double> judge_max_cost;
    std::optional<std::string> judge_cache;
    std::uint64_t seed = 42;

    static constexpr std::string_view concern = "the judge";
    static constexpr auto knobs = reflect(
        knob<"judge">(&judge_options::judge, "who says which answer is better",
                      {"endpoint, reward_model, rule, rouge_l"},
                      "endpoint asks judge_model; the others score each answer alone, and the higher score wins."),
        knob<"judge_model">(&judge_options::judge_model, "the model that an endpoint is asked for"),
        knob<"judge_base_url">(&judge_options::judge_base_url, "address of an OpenAI-compatible endpoint", {},
                               "/chat/completions is added to it. A local server is http://localhost:8000/v1."),
        knob<"judge_api_key_env">(&judge_options::judge_api_key_env, "the environment variable that holds the key", {},
                                  "No flag takes the key itself, since who lists processes would read it."),
        knob<"judge_command">(&judge_options::judge_command, "the program that scores answers, of --judge rule", {},
                              "It speaks JSON lines, as one of --reward_command does."),
        knob<"num_examples">(&judge_options::num_examples, "pairs to judge, the first; default: all", at_least(1)),
        knob<"judge_both_orders">(&judge_options::judge_both_orders, "ask twice, in either order of the answers", {},
                                  "Two verdicts that differ are a tie, and counted as inconsistent. It costs double."),
        knob<"judge_concurrency">(&judge_options::judge_concurrency, "pairs in flight at once", between(1, 256)),
        knob<"judge_timeout">(&judge_options::judge_timeout, "seconds that a request may take", above(0),
                              "A batch of --judge_command may take as long."),
        knob<"judge_connect_timeout">(&judge_options::judge_connect_timeout, "seconds that a connection may take",
                                      above(0)),
        knob<"judge_max_retries">(&judge_options::judge_max_retries, "times that a failed request is sent again",
                                  between(0, 100)),
        knob<"judge_retry_delay">(&judge_options::judge_retry_delay, "seconds before the first retry, at most",
                                  at_least(0), "It doubles with each retry, up to a minute; the wait is drawn below."),
        knob<"judge_requests_per_minute">(&judge_options::judge_requests_per_minute,
                                          "requests a minute at most; 0: no limit", at_least(0)),
        knob<"judge_max_failures">(&judge_options::judge_max_failures,
                                   "pairs without a verdict, in a row, after which the judge is given up", at_least(1)),
        knob<"judge_max_tokens">(&judge_options::judge_max_tokens, "tokens of a judge's answer", at_least(0),
                                 "0 sends neither it nor a temperature, as models that think before they answer want."),
        knob<"judge_price_in">(&judge_options::judge_price_in, "what a million tokens cost that the judge reads",
                               at_least(0)),
        knob<"judge_price_out">(&judge_options::judge_price_out, "what a million tokens cost that the judge writes",
                                at_least(0)),
        knob<"judge_max_cost">(&judge_options::judge_max_cost, "stop before this is spent; default: no cap", above(0),
                               "It needs the prices. What was answered is kept."),
        knob<"judge_cache">(&judge_options::judge_cache, "file of answers, which a later run does not ask for again"),
        knob<"seed">(&judge_options::seed, "of the order in which answers are shown, and of the bootstrap"));

    /// Throws std::invalid_argument where fields contradict each other (see validate).
    void check_knobs() const {
        auto const refuse = [](char const* why) { throw std::invalid_argument(why); };
        if (judge_max_cost && judge_price_in == 0.0 && judge_price_out == 0.0)
            refuse("--judge_max_cost needs prices: give --judge_price_in and --judge_price_out, for a million tokens");
        if (judge == "endpoint") {
            if (judge_command) refuse("--judge_command would do nothing: it is read by --judge rule");
            return;
        }
        if (judge != "rule" && judge_command) refuse("--judge_command would do nothing: it is read by --judge rule");
        if (judge_both_orders) refuse("--judge_both_orders would do nothing: a score knows no order of answers");
        if (judge_cache) refuse("--judge_cache would do nothing: it keeps what an endpoint answers");
        if (judge_max_cost) refuse("--judge_max_cost would do nothing: only an endpoint costs");
        judge_options const usual;
        auto const of_endpoint = [&](bool is_other, char const* name) {
            if (is_other)
                throw std::invalid_argument("--" + std::string(name) +
                                            " would do nothing: it is read by --judge endpoint, " +
                                            "and this is --judge " + judge);
        };
        of_endpoint(judge_model != usual.judge_model, "judge_model");
        of_endpoint(judge_base_url != usual.judge_base_url, "judge_base_url");
        of_endpoint(judge_api_key_env != usual.judge_api_key_env, "judge_api_key_env");
        of_endpoint(judge_concurrency != usual.judge_concurrency, "judge_concurrency");
        of_endpoint(judge_timeout != usual.judge_timeout && !judge_command, "judge_timeout");
        of_endpoint(judge_connect_timeout != usual.judge_connect_timeout, "judge_connect_timeout");
        of_endpoint(judge_max_retries != usual.judge_max_retries, "judge_max_retries");
        of_endpoint(judge_retry_delay != usual.judge_retry_delay, "judge_retry_delay");
        of_endpoint(judge_requests_per_minute != usual.judge_requests_per_minute, "judge_requests_per_minute");
        of_endpoint(judge_max_failures != usual.judge_max_failures, "judge_max_failures");
        of_endpoint(judge_max_tokens != usual.judge_max_tokens, "judge_max_tokens");
        of_endpoint(judge_price_in != usual.judge_price_in, "judge_price_in");
        of_endpoint(judge_price_out != usual.judge_price_out, "judge_price_out");
    }
};

}  // namespace proximal::judge
