// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <proximal/judge/run.hpp>
#include <set>

#include "../support/temporary_folder.hpp"
#include "local_server.hpp"
#include "noted_signals.hpp"

using namespace proximal;
using Catch::Contains;
using judge::answer_pair;
using judge::judge_options;
using judge_test::local_server;

namespace {
std::string const hidden_key = "sk-never-to-be-seen-0123456789";

/// Pairs of which a good judge gives the model `wins`, then `losses`, then the rest as ties.
std::vector<answer_pair> pairs_of(int wins, int losses, int ties) {
    std::vector<answer_pair> pairs;
    for (int i = 0; i < wins + losses + ties; ++i) {
        auto const quality = [](bool good) { return good ? std::string("a good summary") : std::string("a summary"); };
        pairs.push_back({"post " + std::to_string(i), "post number " + std::to_string(i), quality(i < wins),
                         quality(i >= wins && i < wins + losses)});
    }
    return pairs;
}
judge_options options_for(local_server const& server, std::string const& scenario) {
    judge_options options;
    options.judge_model = "a-model";
    options.judge_base_url = server.url(scenario);
    options.judge_retry_delay = 0.01;
    options.judge_timeout = 5.0;
    return options;
}
std::string content_of(std::filesystem::path const& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}
struct exported_key {
    exported_key() { ::setenv("OPENAI_API_KEY", hidden_key.c_str(), 1); }
    ~exported_key() { ::unsetenv("OPENAI_API_KEY"); }
};
}  // namespace

TEST_CASE("judge::run: a whole judging behind an endpoint, in a random order and in both") {
    local_server server;
    auto const pairs = pairs_of(33, 17, 0);
    auto options = options_for(server, "good");
    std::string told;
    std::int64_t shown = 0;
    auto const made = judge::run(options, pairs,
                                 {.score = {},
                                  .progress = [&](std::int64_t done, std::int64_t, auto const&) { shown = done; },
                                  .say = [&](std::string const& sentence) { told = sentence; }});
    CHECK(made.counts == judge::tally{.wins = 33, .losses = 17});
    CHECK(to_text(made).ends_with("\nModel win rate: 66.00%\n"));
    CHECK((shown == 50 && made.cost.requests == 50 && made.cost.usage.prompt_tokens == 5000));
    CHECK_THAT(told, Contains("50 pairs go to a-model at http://127.0.0.1:") && Contains("tokens"));
    std::set<std::string> orders;
    for (auto const& one : made.result.outcomes) orders.insert(one.model_first ? "model first" : "model second");
    CHECK(orders.size() == 2);
    CHECK_NOTHROW(require_whole(made));

    options.judge_both_orders = true;
    options.num_examples = 10;
    auto const both = judge::run(options, pairs);
    CHECK((both.counts == judge::tally{.wins = 10} && both.cost.requests == 20));
}

TEST_CASE("judge::run: a server that fails every other time changes no verdict") {
    local_server server;
    auto options = options_for(server, "flaky");
    options.judge_max_retries = 20;
    auto const made = judge::run(options, pairs_of(30, 20, 10));
    CHECK(made.counts == judge::tally{.wins = 30, .losses = 20, .ties = 10});
    CHECK(made.cost.retries > 20);
    CHECK(made.cost.requests == 60 + made.cost.retries);
}

TEST_CASE("judge::run: an answer that is no verdict is a failure and no loss") {
    local_server server;
    auto pairs = pairs_of(5, 5, 0);
    pairs[2].prompt = "garble this";
    auto const made = judge::run(options_for(server, "good"), pairs);
    CHECK(made.counts == judge::tally{.wins = 4, .losses = 5, .failures = 1});
    REQUIRE(made.result.outcomes.size() == 10);
    CHECK(made.result.outcomes[2].why == "the judge answered \"Both have their merits.\", which is not A, B or tie");
    CHECK(*made.win_rate == Approx(4.0 / 9.0));
}

TEST_CASE("judge::run: a judge that never answers ends in one sentence, and what was done is kept") {
    local_server server;
    support::temporary_folder const folder;
    auto options = options_for(server, "hang");
    options.judge_timeout = 0.2;
    options.judge_max_retries = 1;
    options.judge_max_failures = 3;
    auto const made = judge::run(options, pairs_of(50, 50, 0));
    CHECK_THAT(made.result.stopped, Contains("the judge failed 3 times in a row and was given up after ") &&
                                        Contains(" of 100 pairs; the last "
                                                 "time: the judge at "));
    CHECK((made.counts.failures >= 3 && made.counts.failures < 20 && made.counts.losses == 0));
    CHECK_THROWS_AS(require_whole(made), std::runtime_error);

    options = options_for(server, "500-after-five");
    options.judge_max_retries = 0;
    options.judge_concurrency = 1;
    auto const half = judge::run(options, pairs_of(50, 50, 0));
    CHECK((half.counts == judge::tally{.wins = 5, .failures = 10} && !half.is_whole()));
    write_report(folder.path, half);
    CHECK(count(judge::read_outcomes(folder.path / "judge_outcomes.jsonl")) == half.counts);
    CHECK_THAT(content_of(folder.path / "judge.json"), Contains("given up after 15 of 100 pairs"));
}

TEST_CASE("judge::run: answers are kept as they come, and a run that was stopped goes on where it was") {
    local_server server;
    support::temporary_folder const folder;
    auto options = options_for(server, "pause");
    options.judge_cache = (folder.path / "answers.jsonl").string();
    options.judge_concurrency = 4;
    auto const pairs = pairs_of(12, 8, 0);
    {
        judge_test::noted_signals const noted;
        auto const made = judge::run(options, pairs, {.score = {}, .progress = [](std::int64_t done, auto&&...) {
                                                          if (done == 4) std::raise(SIGINT);
                                                      }});
        CHECK((made.result.signal == SIGINT && made.counts.total() < 20 && made.counts.failures == 0));
        CHECK_THROWS_AS(require_whole(made), io::interrupted);
    }
    std::ofstream(*options.judge_cache, std::ios::app) << "{\"key\": \"ha";  // as a kill leaves it
    auto const kept = judge::answer_cache(*options.judge_cache).size();
    CHECK(kept >= 4);
    auto const rest = judge::run(options, pairs);
    CHECK(rest.counts == judge::tally{.wins = 12, .losses = 8});
    CHECK((rest.cost.from_cache == kept && rest.cost.requests == 20 - kept));
    auto const again = judge::run(options, pairs);
    CHECK((again.cost.requests == 0 && again.cost.from_cache == 20 && again.cost.cost == 0.0));
    CHECK(again.counts == rest.counts);
    options.judge_model = "another";
    CHECK(judge::run(options, pairs).cost.requests == 20);  // another model's answers are not this one's
}

TEST_CASE("judge::run: the cap on the cost stops it with what was done") {
    local_server server;
    auto options = options_for(server, "good");
    options.judge_price_in = 1e4;  // a request costs 1
    options.judge_max_cost = 20.0;
    auto const made = judge::run(options, pairs_of(100, 0, 0));
    CHECK_THAT(made.result.stopped, Contains("of --judge_max_cost 20: raise it"));
    CHECK((made.cost.cost <= 20.0 && made.cost.cost >= 5.0));
    CHECK(made.cost.estimate > 20.0);
    CHECK((made.counts.wins == made.cost.requests && made.counts.failures == 0));
}

TEST_CASE("judge::run: the key is sent, and is nowhere else") {
    exported_key const exported;
    local_server server;
    support::temporary_folder const folder;
    for (std::string const scenario : {"good", "401", "403", "400", "schema", "echo"}) {
        INFO(scenario);
        auto options = options_for(server, scenario);
        options.judge_cache = (folder.path / (scenario + ".jsonl")).string();
        std::string told;
        auto const made = judge::run(options, pairs_of(3, 0, 0),
                                     {.score = {}, .progress = {}, .say = [&](std::string const& s) { told = s; }});
        write_report(folder.path / scenario, made);
        CHECK(server.log(scenario)["authorizations"][0] == "Bearer " + hidden_key);
        for (auto const& text : {told, to_text(made), to_json(made).dump(), made.result.stopped,
                                 content_of(folder.path / scenario / "judge.json"),
                                 content_of(folder.path / scenario / "judge_outcomes.jsonl"),
                                 content_of(*options.judge_cache), content_of("/proc/self/cmdline")})
            CHECK(text.find("never-to-be-seen") == std::string::npos);
        if (scenario == "401") CHECK_THAT(made.result.stopped, Contains("Bearer *** is of no use; check the key"));
    }
}

TEST_CASE("judge::run: a key that is missing is asked for before anything else") {
    ::unsetenv("OPENAI_API_KEY");
    judge_options options;
    CHECK_THROWS_WITH(judge::run(options, pairs_of(1, 0, 0)),
                      Contains("the environment variable OPENAI_API_KEY holds no key for https://api.openai.com/v1"));
    options.judge_base_url = "http://127.0.0.1:1/v1";
    options.judge_api_key_env = "NO_SUCH_KEY";
    CHECK_THROWS_WITH(judge::run(options, pairs_of(1, 0, 0)), Contains("NO_SUCH_KEY holds no key"));
    CHECK_THROWS_WITH(judge::run(options, {}), Contains("there is no pair to judge"));
}

TEST_CASE("judge::run: rules, programs, reward models and ROUGE-L judge by scores") {
    support::temporary_folder const folder;
    judge_options options;
    auto const pairs = pairs_of(6, 3, 1);
    options.judge = "reward_model";
    CHECK_THROWS_WITH(judge::run(options, pairs), Contains("--judge reward_model needs a reward model"));
    auto const longer = [](std::vector<text::text_episode> const& episodes) {
        std::vector<run::text_score> scores;
        for (auto const& episode : episodes) scores.push_back({.score = static_cast<double>(episode.response.size())});
        return scores;
    };
    auto const expected = judge::tally{.wins = 6, .losses = 3, .ties = 1};
    CHECK(judge::run(options, pairs, {.score = longer}).counts == expected);
    options.judge = "rule";
    CHECK(judge::run(options, pairs, {.score = longer}).counts == expected);
    CHECK_THROWS_WITH(judge::run(options, pairs), Contains("--judge rule needs a rule: give --judge_command"));
    std::ofstream(folder.path / "rule.py") << "import json, sys\n"
                                              "for line in sys.stdin:\n"
                                              "    print(len(json.loads(line)['response']), flush=True)\n";
    options.judge_command = "python3 '" + (folder.path / "rule.py").string() + "'";
    auto const by_program = judge::run(options, pairs);
    CHECK((by_program.counts == expected && !by_program.is_endpoint));
    CHECK_THAT(to_text(by_program), !Contains("cost") && Contains("Model win rate: 65.00%"));
    options = {};
    options.judge = "rouge_l";
    std::vector<answer_pair> const summaries{{"a", "the cat sat on the mat", "the cat sat", "a dog ran"},
                                             {"b", "the cat sat on the mat", "a dog ran", "the cat sat"}};
    auto const by_rouge = judge::run(options, summaries);
    CHECK(by_rouge.counts == judge::tally{.wins = 1, .losses = 1});
    CHECK(by_rouge.rouge.rouge_1 == 0.0);
}
