// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <proximal/text/demonstrations.hpp>

#include "../support/temporary_folder.hpp"
#include "../support/tiny_tokenizer.hpp"

using namespace proximal::text;
using Catch::Contains;
using nlohmann::json;

namespace {
tokenizer with_eos() {
    tokenizer_config config;
    config.settings = {{"eos_token", "<eos>"}};
    return tokenizer(support::tiny_tokenizer(), config);
}
record_table table_of(std::vector<json> records) {
    record_table table{std::move(records), {}, {{"a.jsonl", "line"}}};
    for (std::size_t i = 0; i < table.records.size(); ++i) table.lines.push_back(i + 1);
    return table;
}
json turn(std::string const& role, std::string const& content) { return {{"role", role}, {"content", content}}; }
}  // namespace

TEST_CASE("demonstrations: prompt and completion, messages, turns and text alone") {
    auto const t = with_eos();
    auto const data =
        demonstrations_of(table_of({{{"prompt", "Q:"}, {"completion", " A"}},
                                    {{"messages", {turn("user", "Q"), turn("assistant", "A")}}},
                                    {{"prompt", {turn("user", "Q")}}, {"completion", {turn("assistant", "A")}}},
                                    {{"text", "all"}}}),
                          t, {}, "a.jsonl");
    auto const said = [&](std::size_t i) {
        return std::pair(t.decode(data.examples[i].prompt), t.decode(data.examples[i].completion));
    };
    REQUIRE(data.examples.size() == 4);
    CHECK(said(0) == std::pair<std::string, std::string>("Q:", " A<eos>"));
    CHECK(said(1) == std::pair<std::string, std::string>("User: Q\n\nAssistant:", " A<eos>"));
    CHECK(said(2) == said(1));
    CHECK(said(3) == std::pair<std::string, std::string>("", "all<eos>"));
    CHECK((data.examples[0].prompt_text == "Q:" && data.examples[0].completion_text == " A"));
    CHECK(data.examples[3].record["text"] == "all");
}

TEST_CASE("demonstrations: a prefix where there is no blank, EOS once, the too long left out and counted") {
    auto const t = with_eos();
    auto const of = [&](std::vector<json> records, completion_options const& options) {
        return demonstrations_of(table_of(std::move(records)), t, options, "a.jsonl");
    };
    std::vector<json> const records{{{"prompt", "Q"}, {"completion", "A"}},
                                    {{"prompt", "Q"}, {"completion", "\nA<eos>"}}};
    auto const data = of(records, {.completion_prefix = " "});
    CHECK(t.decode(data.examples[0].completion) == " A<eos>");
    CHECK(t.decode(data.examples[1].completion) == "\nA<eos>");
    CHECK(t.decode(of(records, {.append_eos = false}).examples[0].completion) == "A");
    std::vector<json> const sizes{{{"prompt", "abc"}, {"completion", "d"}},
                                  {{"prompt", "ab"}, {"completion", "cdefg"}},
                                  {{"prompt", "ab"}, {"completion", "cde"}}};
    auto const kept = of(sizes, {.max_prompt_length = 2, .max_length = 6});
    CHECK((kept.examples.size() == 1 && kept.left_out.long_prompts == 1 && kept.left_out.long_texts == 1));
    CHECK_THROWS_WITH(of(sizes, {.max_prompt_length = 1}),
                      "a.jsonl holds no demonstrations that can be used: 3 are left out, 3 with a prompt longer than "
                      "max_prompt_length");
}

TEST_CASE("demonstrations: what is none is named by its place") {
    auto const t = with_eos();
    auto const of = [&](json record) { return demonstrations_of(table_of({std::move(record)}), t, {}, "a.jsonl"); };
    CHECK_THROWS_WITH(of({{"prompt", "Q"}, {"answer", "A"}}),
                      Contains("a.jsonl line 1 cannot be used") && Contains("its columns are answer, prompt"));
    CHECK_THROWS_WITH(of({{"prompt", "Q"}, {"completion", ""}}), Contains("its completion is empty"));
    CHECK_THROWS_WITH(of({{"prompt", "Q"}, {"completion", 1}}), Contains("must be a text"));
    CHECK_THROWS_WITH(of({{"messages", {turn("user", "Q")}}}),
                      Contains("the last of its messages is not the assistant's"));
    CHECK_THROWS_WITH(demonstrations_of({}, t, {}, "a.jsonl"), Contains("a.jsonl holds no demonstrations; it needs"));
    CHECK_THROWS_WITH(demonstrations_of(table_of({{{"text", "a"}}}), tokenizer(support::tiny_tokenizer()), {}, "a"),
                      Contains("names no eos_token"));
}
