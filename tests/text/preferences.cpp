// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <proximal/text/preferences.hpp>

#include "../support/temporary_folder.hpp"
#include "../support/tiny_tokenizer.hpp"

using namespace proximal::text;
using Catch::Contains;
using nlohmann::json;

namespace {
preferences pairs_of(std::vector<json> records, completion_options const& options = {}) {
    tokenizer_config config;
    config.settings = {{"eos_token", "<eos>"}};
    record_table table{std::move(records), {}, {{"a.jsonl", "line"}}};
    for (std::size_t i = 0; i < table.records.size(); ++i) table.lines.push_back(i + 1);
    return preferences_of(std::move(table), tokenizer(support::tiny_tokenizer(), config), options, "a.jsonl");
}
std::vector<std::string> texts_of(json record) {
    auto const pair = pairs_of({std::move(record)}).pairs.at(0);
    return {pair.prompt_text, pair.chosen_text, pair.rejected_text};
}
json said(std::string const& role, std::string const& content) { return {{"role", role}, {"content", content}}; }
using texts = std::vector<std::string>;
}  // namespace

TEST_CASE("preferences: the prompt given, or what both answers begin with, as text and as conversations") {
    CHECK(texts_of({{"prompt", "Q:"}, {"chosen", " A"}, {"rejected", " B"}}) == texts{"Q:", " A", " B"});
    CHECK(texts_of({{"chosen", "Q: the cat"}, {"rejected", "Q: the car"}}) == texts{"Q: the", " cat", " car"});
    CHECK(texts_of({{"chosen", "Q: a"}, {"rejected", "Q: a b"}}) == texts{"Q:", " a", " a b"});
    CHECK(texts_of({{"chosen", "x"}, {"rejected", "y"}}) == texts{"", "x", "y"});
    json const user = said("user", "Q"), good = said("assistant", "A"), bad = said("assistant", "B");
    texts const expected{"User: Q\n\nAssistant:", " A", " B"};
    CHECK(texts_of({{"chosen", {user, good}}, {"rejected", {user, bad}}}) == expected);
    CHECK(texts_of({{"prompt", {user}}, {"chosen", {good}}, {"rejected", {bad}}}) == expected);
    CHECK(texts_of({{"prompt", {user}}, {"chosen", {user, good}}, {"rejected", {user, bad}}}) == expected);
    CHECK(texts_of({{"prompt", "Q"}, {"chosen", {user, good}}, {"rejected", {user, bad}}}) == expected);
    CHECK(texts_of({{"chosen", {user, good, user, good}}, {"rejected", {user, bad, user, bad}}}) ==
          texts{"User: Q\n\nAssistant:", " A\n\nUser: Q\n\nAssistant: A", " B\n\nUser: Q\n\nAssistant: B"});
}

TEST_CASE("preferences: EOS, prefix and lengths; equal pairs are left out and counted") {
    auto const data = pairs_of({{{"prompt", "Q"}, {"chosen", "A"}, {"rejected", "A"}},
                                {{"prompt", "Q"}, {"chosen", "A"}, {"rejected", " A"}},
                                {{"prompt", "Q"}, {"chosen", "A"}, {"rejected", "BCDEFGH"}},
                                {{"prompt", "QQQQQQ"}, {"chosen", "A"}, {"rejected", "B"}},
                                {{"prompt", "Q"}, {"chosen", "A"}, {"rejected", "B"}}},
                               {.completion_prefix = " ", .max_prompt_length = 5, .max_length = 8});
    REQUIRE(data.pairs.size() == 1);
    CHECK(data.pairs[0].chosen == std::vector<std::int64_t>{' ', 'A', 261});
    CHECK(data.pairs[0].rejected == std::vector<std::int64_t>{' ', 'B', 261});
    CHECK((data.left_out.equal_pairs == 2 && data.left_out.long_texts == 1 && data.left_out.long_prompts == 1));
    CHECK_THROWS_WITH(pairs_of({{{"prompt", "Q"}, {"chosen", "A"}, {"rejected", "A"}}}),
                      "a.jsonl holds no preference pairs that can be used: 1 are left out, 1 whose chosen equals its "
                      "rejected");
}

TEST_CASE("preferences: what is no pair is named by its place, with the columns that are there") {
    CHECK_THROWS_WITH(pairs_of({{{"prompt", "Q"}, {"chosen", "A"}, {"rejected", "B"}}, {{"chosen", "A"}, {"n", 1}}}),
                      "a.jsonl line 2 cannot be used: it has a \"chosen\" and no \"rejected\": a pair needs both; its "
                      "columns are chosen, n");
    CHECK_THROWS_WITH(pairs_of({{{"rejected", "A"}, {"chosen", nullptr}}}), Contains("and no \"chosen\""));
    CHECK_THROWS_WITH(pairs_of({{{"prompt", "A"}}}),
                      Contains("it holds no pair") && Contains("its columns are prompt"));
    CHECK_THROWS_WITH(pairs_of({{{"chosen", "A"}, {"rejected", json::array()}}}), Contains("both be texts"));
    CHECK_THROWS_WITH(pairs_of({{{"chosen", {said("user", "A")}}, {"rejected", {said("user", "B")}}}}),
                      Contains("no beginning in common"));
    CHECK_THROWS_WITH(pairs_of({}),
                      "a.jsonl holds no preference pairs; it needs records with \"chosen\" and \"rejected\"");
}
