// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <proximal/text/normalizer.hpp>

using namespace proximal;
using namespace proximal::text;
using nlohmann::json;

namespace {
std::string normal(json const& settings, std::string const& text) { return make_normalizer(settings)(text); }
}  // namespace

TEST_CASE("normalizer: Unicode's forms, NUL and all") {
    std::string const zero("\0é", 3);
    CHECK(normal({{"type", "NFC"}}, "e\u0301" + zero) == "\u00e9" + zero);
    CHECK(normal({{"type", "NFD"}}, "\u00e9") == "e\u0301");
    CHECK(normal({{"type", "NFKC"}}, "ﬁ①") == "fi1");
    CHECK(normal({{"type", "NFKD"}}, "é½") == "e\u03011\u20442");
    CHECK(normal(nullptr, "e\u0301") == "e\u0301");
}

TEST_CASE("normalizer: characters younger than Hugging Face's tables neither combine nor reorder") {
    CHECK(normal({{"type", "NFD"}}, "a\u0345\u0334") == "a\u0334\u0345");
    CHECK(normal({{"type", "NFD"}}, "a\u0345\u1df9") == "a\u0345\u1df9");
    CHECK(normal({{"type", "NFKC"}}, "\u32ff") == "\u32ff");
}

TEST_CASE("normalizer: the plain ones, and a sequence") {
    CHECK(normal({{"type", "Lowercase"}}, "İÀΣ") == "i\u0307àσ");
    CHECK(normal({{"type", "Strip"}, {"strip_left", true}, {"strip_right", false}}, "\u3000 a ") == "a ");
    CHECK(normal({{"type", "Strip"}, {"strip_left", true}, {"strip_right", true}}, " \n") == "");
    CHECK(normal({{"type", "Prepend"}, {"prepend", "_"}}, "a") == "_a");
    CHECK(normal({{"type", "Prepend"}, {"prepend", "_"}}, "") == "");
    CHECK(normal({{"type", "Replace"}, {"pattern", {{"String", "."}}}, {"content", "$1"}}, "a.b") == "a$1b");
    CHECK(normal({{"type", "Replace"}, {"pattern", {{"Regex", "\\s+"}}}, {"content", "_"}}, "a \n b") == "a_b");
    CHECK(normal({{"type", "Sequence"}, {"normalizers", {{{"type", "NFC"}}, {{"type", "Lowercase"}}}}}, "E\u0301") ==
          "\u00e9");
    CHECK_THROWS_WITH(normal({{"type", "Nmt"}}, ""), Catch::StartsWith("the normalizer 'Nmt' is not supported"));
}
