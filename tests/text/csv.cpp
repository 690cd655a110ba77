// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <proximal/text/csv.hpp>

using namespace proximal::text;
using Catch::Contains;

namespace {
std::vector<csv_row> csv_rows(std::string_view text) {
    csv_reader reader(text);
    std::vector<csv_row> rows;
    while (auto row = reader.next()) rows.push_back(*row);
    return rows;
}
}  // namespace

TEST_CASE("csv: quotes, doubled quotes, commas and line breaks in fields, lines counted") {
    auto const rows = csv_rows("a,b\r\n\"x, \"\"y\"\"\",\"two\nlines\"\n\n,\n\"\"\nlast,");
    REQUIRE(rows.size() == 5);
    CHECK(rows[0].fields == std::vector<std::string>{"a", "b"});
    CHECK(rows[1].fields == std::vector<std::string>{"x, \"y\"", "two\nlines"});
    CHECK(rows[2].fields == std::vector<std::string>{"", ""});
    CHECK(rows[3].fields == std::vector<std::string>{""});
    CHECK(rows[4].fields == std::vector<std::string>{"last", ""});
    CHECK((rows[1].line == 2 && rows[2].line == 5 && rows[4].line == 7));
    CHECK(csv_rows("").empty());
    CHECK(csv_rows("a\rb\n")[0].fields == std::vector<std::string>{"a\rb"});
}

TEST_CASE("csv: what is none is refused with its line") {
    CHECK_THROWS_WITH(csv_rows("a,b\n\"open\n\n"), Contains("line 2 is no CSV") && Contains("never closed"));
    CHECK_THROWS_WITH(csv_rows("a\nb\"c\n"), Contains("line 2 is no CSV: a field with a quote"));
    CHECK_THROWS_WITH(csv_rows("\"a\"b\n"), Contains("line 1 is no CSV: text follows a quoted field"));
}
