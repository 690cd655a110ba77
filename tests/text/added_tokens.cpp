// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <proximal/text/added_tokens.hpp>

using namespace proximal;
using namespace proximal::text;

namespace {
// What is found, with the text between in brackets.
std::string found(added_tokens const& tokens, std::string_view text, bool normalized = false) {
    std::string out;
    tokens.split(
        text, normalized, [&](std::string_view t) { out += "[" + std::string(t) + "]"; },
        [&](std::int64_t id) { out += std::to_string(id); });
    return out;
}
added_tokens make(std::vector<added_token> tokens) {
    added_tokens a([](std::string const& text) { return lowercase(text); });
    a.add(std::move(tokens));
    return a;
}
}  // namespace

TEST_CASE("added_tokens: the leftmost, of those the longest") {
    auto const tokens =
        make({{.id = 1, .content = "<a>", .normalized = false}, {.id = 2, .content = "<a><b>", .normalized = false}});
    CHECK(found(tokens, "x<a><b><a>y") == "[x]21[y]");
    CHECK(found(tokens, "<a") == "[<a]");
    CHECK(found(tokens, "") == "");
}

TEST_CASE("added_tokens: white space beside is taken along, words beside prevent a single word") {
    auto const tokens = make({{.id = 1, .content = "L", .lstrip = true, .normalized = false},
                              {.id = 2, .content = "R", .rstrip = true, .normalized = false},
                              {.id = 3, .content = "W", .single_word = true, .normalized = false}});
    CHECK(found(tokens, "a  L b") == "[a]1[ b]");
    CHECK(found(tokens, "a R \u3000b") == "[a ]2[b]");
    CHECK(found(tokens, "R L") == "21");
    CHECK(found(tokens, "W,W aW Wé _W W") == "3[,]3[ aW Wé _W ]3");
}

TEST_CASE("added_tokens: normalized ones are looked for in normal form, apart from the others") {
    auto const tokens =
        make({{.id = 1, .content = "AB", .normalized = true}, {.id = 2, .content = "CD", .normalized = false}});
    CHECK(found(tokens, "xabCD", true) == "[x]1[CD]");
    CHECK(found(tokens, "abCD", false) == "[ab]2");
}
