// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <csignal>
#include <fstream>
#include <proximal/io/json_file.hpp>
#include <proximal/judge/judge_report.hpp>

#include "../support/temporary_folder.hpp"
#include "outcomes.hpp"

using namespace proximal::judge;
using Catch::Contains;

namespace {
judging judging_of(std::string const& marks, std::int64_t more = 0) {
    return {.outcomes = judge_test::outcomes(marks), .total = static_cast<std::int64_t>(marks.size()) + more};
}
std::string last_line(std::string const& text) {
    auto const end = text.size() - 1, begin = text.rfind('\n', end - 1);
    return text.substr(begin + 1, end - begin - 1);
}
}  // namespace

TEST_CASE("to_text: the last line is TRL's") {
    auto made = make_report(judging_of(std::string(647, 'W') + std::string(353, 'L')));
    CHECK(last_line(to_text(made)) == "Model win rate: 64.70%");
    CHECK(to_text(made).ends_with("\nModel win rate: 64.70%\n"));
    CHECK_THAT(to_text(made), Contains("647 wins, 353 losses, 0 ties, 0 failures"));
    CHECK_THAT(to_text(made), !Contains("as TRL counts"));
    CHECK_NOTHROW(require_whole(made));
    CHECK(last_line(to_text(make_report(judging_of("W")))) == "Model win rate: 100.00%");
    CHECK(last_line(to_text(make_report(judging_of("L")))) == "Model win rate: 0.00%");
}

TEST_CASE("to_text: failures are no losses, and their reasons are told; TRL's number stands beside") {
    auto result = judging_of("WWWLTFFF");
    result.outcomes[5].why = result.outcomes[7].why = "it said nothing";
    result.outcomes[6].why = "HTTP status 500";
    auto const text = to_text(make_report(result));
    CHECK_THAT(text, Contains("failed 2 times: it said nothing\n           failed 1 times: HTTP status 500\n"));
    CHECK_THAT(text, Contains("37.50 % as TRL counts"));
    CHECK(last_line(text) == "Model win rate: 70.00%");  // (3 + 1/2) / 5
}

TEST_CASE("to_text: what was stopped, or judged nothing, has no win rate in its last line") {
    auto result = judging_of("WWL", 97);
    result.stopped = "the judge failed 10 times in a row";
    auto const made = make_report(result);
    CHECK(last_line(to_text(made)) == "stopped    the judge failed 10 times in a row; the win rate so far is 66.67 %");
    CHECK_THAT(to_text(made), Contains("pairs      3 of 100"));
    CHECK_THROWS_WITH(require_whole(made), "the judge failed 10 times in a row");
    result.signal = SIGINT;
    CHECK_THROWS_AS(require_whole(make_report(result)), proximal::io::interrupted);
    auto nothing = judging_of("FF");
    nothing.outcomes[1].why = "it is down";
    CHECK(last_line(to_text(make_report(nothing))) == "no pair was judged, so there is no win rate");
    CHECK_THROWS_WITH(require_whole(make_report(nothing)),
                      "not one of 2 pairs could be judged; the last time: it is down");
    CHECK_THROWS_WITH(require_whole(make_report({})), Contains("there was no pair to judge"));
}

TEST_CASE("to_json: every number under its name") {
    auto result = judging_of("WWWLTF");
    for (auto& one : result.outcomes) one.model_length = 90, one.reference_length = 100;
    auto const json = to_json(make_report(result, 9));
    CHECK((json["wins"] == 3 && json["losses"] == 1 && json["ties"] == 1 && json["failures"] == 1));
    CHECK(json["win_rate"] == Approx(0.7));
    CHECK(json["trl_win_rate"] == 0.5);
    CHECK((json["interval"][0] < 0.7 && json["interval"][1] > 0.7));
    CHECK((json["bootstrap_interval"].size() == 2 && json["sign_test_p"] == Approx(0.625)));
    CHECK(json["length_controlled"]["win_rate"] == Approx(0.7).margin(1e-4));
    CHECK((json["by_length"].size() == 5 && json["by_length"][2]["wins"] == 3));
    CHECK((json["by_length"][4]["below"].is_null() && json["by_length"][0]["win_rate"].is_null()));
    CHECK((json["stopped"].is_null() && json["seed"] == 9 && json["cost"]["requests"] == 0));
    CHECK(to_json(make_report({}))["win_rate"].is_null());
}

TEST_CASE("make_report: how often the answer shown first won") {
    auto result = judging_of("WWLL");
    result.outcomes[1].model_first = false;
    result.outcomes[2].model_first = false;
    CHECK(make_report(result).first_preferred == 0.5);
    for (auto& one : result.outcomes) one.both_orders = true;
    CHECK_FALSE(make_report(result).first_preferred.has_value());
}

TEST_CASE("write_report: outcomes can be read again, and two models compared by them") {
    support::temporary_folder const folder;
    auto result = judging_of("WWLTF");
    result.outcomes[0].model_length = 7;
    result.outcomes[0].usage = {100, 1};
    result.outcomes[3].both_orders = result.outcomes[3].inconsistent = true;
    result.outcomes[4].why = "broken \xff";
    write_report(folder.path / "new", make_report(result));
    CHECK(proximal::io::read_json(folder.path / "new" / "judge.json")["wins"] == 2);
    auto const read = read_outcomes(folder.path / "new" / "judge_outcomes.jsonl");
    REQUIRE(read.size() == 5);
    CHECK(count(read) == count(result.outcomes));
    CHECK((read[0].id == "0" && read[0].model_length == 7 && read[0].usage == token_usage{100, 1}));
    CHECK((read[3].both_orders && read[3].inconsistent && read[4].why == "broken \xef\xbf\xbd"));
    CHECK(compare(read, result.outcomes).difference == 0.0);
    std::ofstream(folder.path / "bad.jsonl") << outcome_line(result.outcomes[0]) << "\n{\"id\": 3}\n";
    CHECK_THROWS_WITH(read_outcomes(folder.path / "bad.jsonl"), Contains("bad.jsonl:2 is no outcome"));
    CHECK_THROWS_WITH(read_outcomes(folder.path / "none.jsonl"), Contains("is no file of outcomes"));
}
