// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <proximal/judge/judge_prompt.hpp>

using namespace proximal::judge;

TEST_CASE("judge_prompt: shows the post and both answers in their order") {
    auto const text = judge_prompt({"id", "THE POST", "ONE", "OTHER", true});
    auto const post = text.find("THE POST"), one = text.find("<summary_A>\nONE\n"),
               other = text.find("<summary_B>\nOTHER\n");
    CHECK((post < one && one < other && other != std::string::npos));
    CHECK(text.find("id") == std::string::npos);
}

TEST_CASE("parse_judgement: one word, and nothing that must be guessed") {
    for (auto const* const said : {"A", " A\n", "\"A\"", "**A**", "A.", "(A)", "[[A]]"})
        CHECK(parse_judgement(said) == preference::first);
    CHECK(parse_judgement("B") == preference::second);
    for (auto const* const said : {"tie", "Tie", "TIE.", "`tie`"}) CHECK(parse_judgement(said) == preference::tie);
    for (auto const* const said : {"", " ", "a", "b", "C", "A B", "A or B", "Summary A", "Answer: A", "AB", "A,",
                                   "neither", "tied", "0", "1", "\xff"})
        CHECK_FALSE(parse_judgement(said).has_value());
    CHECK_FALSE(parse_judgement(std::string_view("A\0", 2)).has_value());
}
