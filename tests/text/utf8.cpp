// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <proximal/text/byte_level.hpp>
#include <proximal/text/utf8.hpp>

using namespace proximal;
using namespace proximal::text;

TEST_CASE("utf8: each longest ill-formed part becomes one U+FFFD") {
    CHECK(utf8::lossy("a\xF0\x9F\x98z") == "a\uFFFDz");          // cut short
    CHECK(utf8::lossy("\xC0\x80") == "\uFFFD\uFFFD");            // overlong
    CHECK(utf8::lossy("\xED\xA0\x80") == "\uFFFD\uFFFD\uFFFD");  // a surrogate
    CHECK(utf8::lossy("\xF4\x90\x80\x80") == "\uFFFD\uFFFD\uFFFD\uFFFD");
    CHECK(utf8::lossy("\xE2\x82\xE2\x82\xAC") == "\uFFFD€");
    CHECK(utf8::first_invalid("é\x80") == 2);
    CHECK_FALSE(utf8::first_invalid("日本語 👍").has_value());
}

TEST_CASE("utf8: every character survives the way out and back") {
    for (char32_t c = 0; c < 0x110000; c += c == 0xD7FF ? 0x801 : 1) {
        std::string text;
        utf8::append(text, c);
        if (utf8::character_at(text, 0).value != c || utf8::character_before(text, text.size()).value != c ||
            utf8::first_invalid(text))
            FAIL("U+" << std::hex << static_cast<unsigned>(c));
    }
}

TEST_CASE("byte_level: 256 different visible characters, and back") {
    std::string all, visible, back;
    for (int b = 0; b < 256; ++b) all += static_cast<char>(b);
    byte_level::append_visible(visible, all);
    byte_level::append_bytes(back, visible);
    CHECK(back == all);
    CHECK(visible.find(' ') == std::string::npos);
    CHECK(byte_level::characters[' '] == 0x120);
    std::string odd;
    byte_level::append_bytes(odd, "é 日");  // 日 and the space stand for no byte
    CHECK(odd == "é 日");
}
