// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <proximal/text/pre_tokenizer.hpp>

using namespace proximal;
using namespace proximal::text;
using nlohmann::json;
using pieces = std::vector<std::string>;

namespace {
pieces cut(json const& settings, std::string const& text) {
    pre_tokens tokens{text};
    make_pre_tokenizer(settings)(tokens);
    pieces out;
    for (auto const& piece : tokens.pieces) out.emplace_back(tokens.view(piece));
    return out;
}
json by(json const& pattern, char const* behavior, bool invert = false) {
    return {{"type", "Split"}, {"pattern", pattern}, {"behavior", behavior}, {"invert", invert}};
}
}  // namespace

TEST_CASE("pre_tokenizer: GPT-2's words keep the space before them, the last of a run goes with the word") {
    json const gpt2 = {{"type", "ByteLevel"}, {"add_prefix_space", false}};
    CHECK(cut(gpt2, "I'm  not 42!") == pieces{"I", "'m", "Ġ", "Ġnot", "Ġ42", "!"});
    CHECK(cut(gpt2, "a \n ") == pieces{"a", "ĠĊĠ"});
    CHECK(cut(gpt2, "é\u180e") == pieces{"Ã©", "áłİ"});  // U+180E is no white space to Oniguruma
    CHECK(cut({{"type", "ByteLevel"}}, "a b") == pieces{"Ġa", "Ġb"});
    CHECK(cut({{"type", "ByteLevel"}}, " a") == pieces{"Ġa"});
    CHECK(cut({{"type", "ByteLevel"}, {"use_regex", false}}, "a b") == pieces{"ĠaĠb"});
}

TEST_CASE("pre_tokenizer: the five behaviours") {
    json const dash = {{"String", "-"}};
    std::string const text = "the-final--countdown";
    CHECK(cut(by(dash, "Removed"), text) == pieces{"the", "final", "countdown"});
    CHECK(cut(by(dash, "Isolated"), text) == pieces{"the", "-", "final", "-", "-", "countdown"});
    CHECK(cut(by(dash, "MergedWithPrevious"), text) == pieces{"the-", "final-", "-", "countdown"});
    CHECK(cut(by(dash, "MergedWithNext"), text) == pieces{"the", "-final", "-", "-countdown"});
    CHECK(cut(by(dash, "Contiguous"), text) == pieces{"the", "-", "final", "--", "countdown"});
    CHECK(cut(by({{"Regex", "\\w+"}}, "Removed", true), text) == pieces{"the", "final", "countdown"});
    CHECK_THROWS_WITH(cut(by(dash, "Sideways"), text), Catch::Contains("'Sideways' is not known"));
}

TEST_CASE("pre_tokenizer: classes of characters, and sequences of steps") {
    CHECK(cut({{"type", "Digits"}}, "a12b٣") == pieces{"a", "12", "b", "٣"});
    CHECK(cut({{"type", "Digits"}, {"individual_digits", true}}, "a12") == pieces{"a", "1", "2"});
    CHECK(cut({{"type", "Punctuation"}}, "a+b。") == pieces{"a", "+", "b", "。"});
    CHECK(cut({{"type", "WhitespaceSplit"}}, " a\u3000b ") == pieces{"a", "b"});
    CHECK(cut({{"type", "Whitespace"}}, "a_b, c") == pieces{"a_b", ",", "c"});
    CHECK(cut({{"type", "Sequence"}, {"pretokenizers", {{{"type", "WhitespaceSplit"}}, {{"type", "Digits"}}}}},
              "a1 2") == pieces{"a", "1", "2"});
    CHECK(cut(nullptr, "a b") == pieces{"a b"});
    CHECK(cut(nullptr, "") == pieces{});
}

TEST_CASE("pre_tokenizer: patterns mean what Oniguruma means, or are refused") {
    CHECK(from_oniguruma("\\s[^\\s\\p{L}]\\h(?m:.)") == "\\p{White_Space}[^\\p{White_Space}\\p{L}][0-9A-Fa-f](?s:.)");
    CHECK(from_oniguruma("[\\p{Han}]+\\P{Latin}\\p{^Greek}") == "[\\p{sc:Han}]+\\P{sc:Latin}\\p{^sc:Greek}");
    CHECK(from_oniguruma("\\p{Lu}\\p{N}\\p{^L}") == "\\p{Lu}\\p{N}\\p{^L}");
    CHECK(from_oniguruma("[]a]\\p{L}+") == "[\\]a]\\p{L}+");
    for (auto const* const pattern : {"[\\W]", "[a[b]]", "[a&&b]", "a{1,2}+", "\\X", "(?a)"})
        CHECK_THROWS_WITH(from_oniguruma(pattern), Catch::Contains("no faithful translation"));
    CHECK_THROWS_WITH(regex("(a"), Catch::Contains("'(a' does not compile"));
    CHECK(cut(by({{"Regex", "\\b"}}, "Isolated"), "a½ b") == pieces{"a½", " ", "b"});
    CHECK(cut(by({{"Regex", "x*"}}, "Removed"), "axxb") == pieces{"a", "b"});
    CHECK(cut(by({{"String", "a.b*"}}, "Removed"), "xa.b*y a.bb") == pieces{"x", "y a.bb"});
}
