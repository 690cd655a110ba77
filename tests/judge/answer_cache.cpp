// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <fstream>
#include <proximal/judge/answer_cache.hpp>

#include "../support/temporary_folder.hpp"

using namespace proximal::judge;

TEST_CASE("answer_key: every part of it counts, and parts do not run into each other") {
    auto const key = answer_key("m", "u", "p", true);
    CHECK(key.size() == 32);
    CHECK(key == answer_key("m", "u", "p", true));
    CHECK(key != answer_key("n", "u", "p", true));
    CHECK(key != answer_key("m", "v", "p", true));
    CHECK(key != answer_key("m", "u", "q", true));
    CHECK(key != answer_key("m", "u", "p", false));
    CHECK(answer_key("ab", "c", "", true) != answer_key("a", "bc", "", true));
}

TEST_CASE("answer_cache: keeps each answer as it comes, and a later run finds it") {
    support::temporary_folder const folder;
    auto const path = folder.path / "answers.jsonl";
    {
        answer_cache cache(path);
        CHECK_FALSE(cache.find("one").has_value());
        cache.keep("one", {"A", {10, 1}});
        cache.keep("two", {"tie \"\n\xff", {20, 2}});
        CHECK(answer_cache(path).size() == 2);  // while the first is still open
    }
    answer_cache const later(path);
    CHECK(later.find("one")->text == "A");
    CHECK(later.find("two")->text == "tie \"\n\xef\xbf\xbd");
    CHECK(later.find("two")->usage == token_usage{20, 2});
}

TEST_CASE("answer_cache: damaged lines are passed over, and what comes after half a line is whole") {
    support::temporary_folder const folder;
    auto const path = folder.path / "answers.jsonl";
    answer_cache(path).keep("one", {"A", {}});
    std::ofstream(path, std::ios::app) << "[1]\n{\"key\": 1}\n\xff\n{\"key\":\"half\",\"te";
    answer_cache(path).keep("three", {"B", {}});
    answer_cache const later(path);
    CHECK(later.size() == 2);
    CHECK(later.find("one")->text == "A");
    CHECK(later.find("three")->text == "B");
}

TEST_CASE("answer_cache: a file that cannot be opened is named") {
    CHECK_THROWS_WITH(answer_cache("/no/such/folder/answers.jsonl"),
                      Catch::Contains("/no/such/folder/answers.jsonl cannot be opened: No such file"));
}
