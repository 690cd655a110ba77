// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <proximal/text/prompt_text.hpp>

#include "../support/tiny_tokenizer.hpp"

using namespace proximal::text;
using Catch::Contains;

TEST_CASE("query_format: the query of TL;DR, cut at the post's last line break until it fits") {
    tokenizer const tiny(support::tiny_tokenizer({}));
    nlohmann::json const record{{"subreddit", "tifu"}, {"title", "T"}, {"post", "one two\nthree\n\nfour"}};
    auto const fitted = [&](std::int64_t longest) {
        return tiny.decode(encode_prompt(prompt_text(record, tiny, tldr_query()), tiny, longest));
    };
    std::string const before = "SUBREDDIT: r/tifu\n\nTITLE: T\n\nPOST: ", after = "\n\nTL;DR:";
    auto const around = static_cast<std::int64_t>(before.size() + after.size());
    CHECK(fitted(1000) == before + "one two\nthree\n\nfour" + after);
    CHECK(fitted(around + 19) == before + "one two\nthree\n\nfour" + after);
    CHECK(fitted(around + 18) == before + "one two\nthree\n" + after);
    CHECK(fitted(around + 13) == before + "one two\nthree" + after);
    CHECK(fitted(around + 12) == before + "one two" + after);
    CHECK(fitted(around + 6) == before + "one" + after);
    CHECK(fitted(around + 2) == before + after);
    CHECK(fitted(around - 1) == before + after);  // too long still: who asked counts it
}

TEST_CASE("query_format: fields of objects within, and what is missing named with what is there") {
    nlohmann::json const record{{"info", {{"title", "T"}}}, {"n", 1}};
    CHECK(query_of(record, {"a {info.title}"}).text() == "a T");
    CHECK_THROWS_WITH(query_of(record, {"{title}"}), "it has no column \"title\"; its columns are info, n");
    CHECK_THROWS_WITH(query_of(record, {"{info.post}"}), Contains("no column \"info.post\""));
    CHECK_THROWS_WITH(query_of(record, {"{n.post}"}), Contains("no column \"n.post\""));
    CHECK_THROWS_WITH(query_of(record, {"{n}"}), "its column \"n\" is no text");
    CHECK_THROWS_WITH(query_of(record, {"{info.title"}), Contains("does not close it"));
    CHECK_THROWS_WITH(query_of(record, {"{info.title}", "post"}), Contains("no field {post} to cut"));
}
