// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <fstream>
#include <limits>
#include <proximal/run/command_scorer.hpp>

#include "../support/temporary_folder.hpp"

using namespace proximal;
using namespace proximal::run;
using Catch::Contains;
using namespace std::chrono_literals;

namespace {
text::text_episode episode(std::string prompt, std::string response) {
    return {.prompt = std::move(prompt), .response = std::move(response), .messages = {}, .record = {}};
}
std::vector<double> scores_of(std::vector<text_score> const& verdicts) {
    std::vector<double> scores;
    for (auto const& verdict : verdicts) scores.push_back(verdict.score.value());
    return scores;
}
}  // namespace

TEST_CASE("score_request: one line of ASCII, whatever the texts hold") {
    CHECK(score_request(episode("Hi", "a \"b\"\n\tc\\")) == R"({"prompt":"Hi","response":"a \"b\"\n\tc\\"})");
    CHECK(score_request(episode("", "é\xe2\x80\xa8😀")) ==
          "{\"prompt\":\"\",\"response\":\"\\u00e9\\u2028\\ud83d\\ude00\"}");
    auto from_data = episode("2 + 2 =", "4");
    from_data.record = {{"prompt", "2 + 2 ="}, {"answer", 4}};
    from_data.messages = nlohmann::json::array({{{"role", "user"}, {"content", "2 + 2 ="}}});
    auto const asked = nlohmann::json::parse(score_request(from_data));
    CHECK(asked["record"]["answer"] == 4);
    CHECK(asked["messages"][0]["content"] == "2 + 2 =");
    CHECK(score_request(episode("x", "cut \xf0\x9f")) == "{\"prompt\":\"x\",\"response\":\"cut \\ufffd\"}");
}

TEST_CASE("parse_score: a number, or an object with one as its score") {
    CHECK(parse_score("1.5").score == 1.5);
    CHECK(parse_score(" -3 ").score == -3.0);
    CHECK(parse_score("1e-3").score == 1e-3);
    CHECK(parse_score("18446744073709551615").score == 18446744073709551615.0);
    CHECK(parse_score(R"({"score": 0.25, "why": "short"})").score == 0.25);
    CHECK_FALSE(parse_score(R"({"score": null})").score.has_value());  // no score
    auto const parts = parse_score(R"({"score": 1, "parts": {"format": 0.5, "length": -1}})").parts;
    CHECK((parts.at("format") == 0.5 && parts.at("length") == -1.0));
}

TEST_CASE("parse_score: what is no score is shown, and why") {
    auto const refuses = [](std::string const& line, std::string const& why) {
        INFO(line);
        CHECK_THROWS_WITH(parse_score(line), Contains(why));
    };
    refuses("hello", R"("hello", which is no JSON)");
    refuses("", R"("", which is no JSON)");
    refuses("1 2", "no JSON");
    refuses("NaN", "no JSON");
    refuses("Infinity", "no JSON");
    refuses("1e999", "no JSON");
    refuses("null", R"("null", which is a score of the type null)");
    refuses("true", "type boolean");
    refuses(R"("1.5")", "type string");
    refuses("[1]", "type array");
    refuses(R"({"reward": 1})", R"(an object without "score")");
    refuses(R"({"score": 1, "parts": [1]})", "no object of numbers");
    refuses(R"({"score": 1, "parts": {"format": "good"}})", "no object of numbers");
    refuses(R"({"score": NaN})", "no JSON");
    refuses(R"({"score": {"score": 1}})", "type object");
    refuses(std::string(500, 'x'), "\"" + std::string(60, 'x') + "...\", which");
    refuses("\xff\x01", "\"\\ufffd\\u0001\"");
}

namespace {

/// A scorer written to a folder, which also counts how often it was started.
struct scorer_program {
    support::temporary_folder folder;
    std::string command;

    explicit scorer_program(std::string const& body) {
        auto const script = folder.path / "the scorer.py";
        std::ofstream(script) << "import json, os, sys, time\nfolder = " << folder.path << "\n"
                              << "with open(folder + '/starts', 'a') as starts: starts.write('x')\n"
                              << body;
        command = "python3 '" + script.string() + "'";
    }
    std::uintmax_t starts() const { return std::filesystem::file_size(folder.path / "starts"); }
};

std::string const length_scorer =
    "for line in sys.stdin:\n"
    "    episode = json.loads(line)\n"
    "    print(json.dumps({'score': len(episode['prompt']) - 0.5 * len(episode['response'])}), flush=True)\n";

}  // namespace

TEST_CASE("command_scorer: scores come in order, from one program for all batches") {
    scorer_program const program(length_scorer);
    command_scorer score(program.command, 30s);
    CHECK(scores_of(score({episode("abc", "xy"), episode("", "é😀")})) == std::vector{2.0, -1.0});
    CHECK(score({}).empty());
    for (int i = 0; i < 5; ++i)
        CHECK(scores_of(score({episode("", std::string(std::size_t(i), 'x'))})) == std::vector{-0.5 * i});
    CHECK(program.starts() == 1);
}

TEST_CASE("command_scorer: a long batch, answered only when all of it was read") {
    scorer_program const program(
        "while line := sys.stdin.readline():\n"
        "    batch = [json.loads(l) for l in [line] + [sys.stdin.readline() for _ in range(4999)]]\n"
        "    for episode in batch: print(json.dumps({'score': int(episode['prompt']), 'why': 'y' * 2000}))\n"
        "    sys.stdout.flush()\n");
    command_scorer score(program.command, 60s);
    std::vector<text::text_episode> requests;
    for (int i = 0; i < 5000; ++i) requests.push_back(episode(std::to_string(i), std::string(2000, 'x')));
    auto const scores = scores_of(score(requests));
    REQUIRE(scores.size() == 5000);
    for (int i = 0; i < 5000; ++i) REQUIRE(scores[std::size_t(i)] == i);
}

TEST_CASE("command_scorer: a wrong answer is named; the next call starts the program anew") {
    scorer_program const program(
        "for line in sys.stdin:\n"
        "    response = json.loads(line)['response']\n"
        "    if response == 'crash': sys.exit(4)\n"
        "    if response == 'sleep': time.sleep(60)\n"
        "    print({'garbage': 'loading model...', 'nan': json.dumps({'score': float('nan')})}.get(response, '1'), "
        "flush=True)\n");
    command_scorer score(program.command, 1.5s);
    auto const ask = [&](std::string const& second) {
        return scores_of(score({episode("", "fine"), episode("", second), episode("", "fine")}));
    };
    CHECK_THROWS_WITH(ask("garbage"),
                      Contains("the scorer.py answered line 2 of 3 by \"loading model...\", which is no JSON") &&
                          Contains("a finite number or {\"score\": number}"));
    CHECK(ask("fine") == std::vector{1.0, 1.0, 1.0});
    CHECK(program.starts() == 2);
    CHECK_THROWS_WITH(ask("nan"), Contains(R"(line 2 of 3 by "{\"score\": NaN}")"));
    CHECK_THROWS_WITH(ask("crash"), Contains("exited with status 4 before it answered line 2 of 3"));
    CHECK_THROWS_WITH(ask("sleep"), Contains("timed out after 1.5 s while waiting for line 2 of 3"));
    CHECK(ask("fine") == std::vector{1.0, 1.0, 1.0});
    CHECK(program.starts() == 5);
}

TEST_CASE("command_scorer: what cannot be meant is refused before a run begins") {
    CHECK_THROWS_WITH(command_scorer(" ", 1s), Contains("the reward command is empty"));
    CHECK_THROWS_WITH(command_scorer("cat", 0s), Contains("the time-out of cat is 0 s; it must be above 0"));
    CHECK_THROWS_WITH(command_scorer("cat", std::chrono::duration<double>(std::numeric_limits<double>::quiet_NaN())),
                      Contains("is nan s"));
    CHECK_THROWS_WITH(command_scorer("cat 'x", 1s), Contains("not closed"));
    CHECK_THROWS_WITH(command_scorer("no-such-scorer --fast", 1s), Contains("no-such-scorer --fast cannot be started"));
}
