// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <proximal/run/completions_table.hpp>

using namespace proximal;
using namespace proximal::run;

TEST_CASE("wrap: at spaces, by display width, with control characters disarmed") {
    CHECK(wrap("one two three", 7) == std::vector<std::string>{"one two", "three"});
    CHECK(wrap("abcdefgh", 3) == std::vector<std::string>{"abc", "def", "gh"});
    CHECK(wrap("a\nb", 9) == std::vector<std::string>{"a", "b"});
    CHECK(wrap("日本語", 4) == std::vector<std::string>{"日本", "語"});
    CHECK(wrap("x\033[31m", 9) == std::vector<std::string>{"x�[31m"});
    CHECK(wrap("\xff", 9) == std::vector<std::string>{"�"});
    CHECK(wrap("", 9) == std::vector<std::string>{""});
}

TEST_CASE("draw: lines meet, every line is as wide as the others") {
    completions_table const table{{"query", "score"},
                                  {{"a long question that must be wrapped", "1.5"}, {"日本", "-2"}}};
    auto const text = draw(table, 30);
    std::size_t lines = 0;
    for (std::size_t at = 0; at < text.size(); ++lines) {
        auto const end = text.find('\n', at);
        CHECK(display_width(text.substr(at, end - at)) == display_width(text.substr(0, text.find('\n'))));
        at = end + 1;
    }
    CHECK(lines >= 7);
    CHECK(display_width(text.substr(0, text.find('\n'))) <= 30);
    CHECK(text.find("│ query") != std::string::npos);
}
