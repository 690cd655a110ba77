// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <proximal/run/markdown_table.hpp>

using namespace proximal::run;

TEST_CASE("markdown_table: text stays text") {
    CHECK(markdown_table({{"query", "score"}, {{"a|b\n<script>&", "1"}}}) ==
          "| query | score |\n|---|---|\n| a&#124;b<br>&lt;script&gt;&amp; | 1 |\n");
    CHECK(markdown_cell("**x** [a](b)") == "\\*\\*x\\*\\* \\[a\\]\\(b\\)");
    CHECK(markdown_cell("\x1b[1m\xff") == "\xEF\xBF\xBD\\[1m\xEF\xBF\xBD");
}
