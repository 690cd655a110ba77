// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <proximal/io/command_words.hpp>
#include <proximal/io/process.hpp>

using namespace proximal;
using namespace proximal::io;
using word_list = std::vector<std::string>;

TEST_CASE("command_words: blanks separate, quotes and backslashes do not") {
    CHECK(command_words("python3 score.py --strict") == word_list{"python3", "score.py", "--strict"});
    CHECK(command_words(" \t a\n b ") == word_list{"a", "b"});
    CHECK(command_words("").empty());
    CHECK(command_words(" \n").empty());
    CHECK(command_words(R"('a b' "c d" e\ f)") == word_list{"a b", "c d", "e f"});
    CHECK(command_words(R"(x'y z'"w")") == word_list{"xy zw"});
    CHECK(command_words(R"('' a "")") == word_list{"", "a", ""});
    CHECK(command_words(R"('a\b"c' "a'b\"c\\d\e" \'\"\\)") == word_list{R"(a\b"c)", R"(a'b"c\d\e)", R"('"\)"});
    CHECK(command_words("a \\\nb \"c\\\nd\" 'e\\\nf'") == word_list{"a", "b", "cd", "e\\\nf"});
    CHECK(command_words("$HOME *.py | a>b #c") == word_list{"$HOME", "*.py", "|", "a>b", "#c"});
}

TEST_CASE("command_words: what a shell makes of quotes and backslashes") {
    for (std::string const command : {R"(a 'b c' "d e" f\ g)", R"('' "" x'y z'"w" )", R"("a\"b\\c\d" 'e\f' \g\\h)",
                                      R"(  a   \'b\'  )", "a \\\nb \"c\\\nd\""}) {
        std::string expected;
        for (auto const& word : command_words(command)) expected += word + "|";
        INFO(command);
        CHECK(run_program("/bin/sh", {"-c", "printf '%s|' " + command}).output == expected);
    }
}

TEST_CASE("command_words: what is not closed is refused") {
    using Catch::Contains;
    CHECK_THROWS_WITH(command_words("a 'b"), Contains("the command a 'b opens a ' that is not closed"));
    CHECK_THROWS_WITH(command_words("a \"b\\\""), Contains("opens a \" that is not closed"));
    CHECK_THROWS_WITH(command_words("a b\\"), Contains("ends with a backslash"));
}
