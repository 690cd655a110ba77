// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <proximal/text/record_file.hpp>

#include "../support/gzip.hpp"
#include "../support/temporary_folder.hpp"
#include "../support/tiny_tokenizer.hpp"

using namespace proximal::text;
using Catch::Contains;
using nlohmann::json;

TEST_CASE("record_file: the same records from JSON lines, a JSON array and CSV, plain and compressed") {
    support::temporary_folder const folder;
    std::vector<json> const expected{{{"prompt", "a, \"b\""}, {"n", "1"}}, {{"prompt", "two\nlines"}, {"n", ""}}};
    std::map<std::string, std::string> const texts{
        {"a.jsonl", expected[0].dump() + "\n\n" + expected[1].dump() + "\r\n"},
        {"a.json", "\xef\xbb\xbf \n" + json(expected).dump(2)},
        {"lines.json", expected[0].dump() + "\n" + expected[1].dump()},
        {"a.CSV", "\xef\xbb\xbfprompt,n\n\"a, \"\"b\"\"\",1\n\"two\nlines\",\n"}};
    for (auto const& [name, text] : texts) {
        support::write_bytes(folder.path / name, text);
        support::write_gzip(folder.path / (name + ".gz"), text);
        support::write_gzip(folder.path / ("hidden_" + name), text);  // compressed, whatever the name says
        CAPTURE(name);
        CHECK(read_records(folder.path / name).records == expected);
        CHECK(read_records(folder.path / (name + ".gz")).records == expected);
        CHECK(read_records(folder.path / ("hidden_" + name)).records == expected);
    }
    CHECK(read_records(folder.path / "a.jsonl").place(1) == (folder.path / "a.jsonl").string() + " line 3");
    CHECK(read_records(folder.path / "a.json").place(1) == (folder.path / "a.json").string() + " object 2");
    CHECK(read_records(folder.path / "a.CSV").place(1) == (folder.path / "a.CSV").string() + " line 3");
}

TEST_CASE("record_file: tables of several files know where a record comes from") {
    support::temporary_folder const folder;
    support::write_bytes(folder.path / "a.jsonl", "{}\n{}\n");
    support::write_bytes(folder.path / "b.jsonl", "\n{}\n");
    auto table = read_records(folder.path / "a.jsonl");
    table.append(read_records(folder.path / "b.jsonl"));
    REQUIRE(table.records.size() == 3);
    CHECK(table.place(1) == (folder.path / "a.jsonl").string() + " line 2");
    CHECK(table.place(2) == (folder.path / "b.jsonl").string() + " line 2");
    CHECK(record_table{{json::object()}, {1}, {}}.place(0) == "record 1");
}

TEST_CASE("record_file: what is broken is said in one sentence") {
    support::temporary_folder const folder;
    auto const of = [&](std::string const& name, std::string const& text) {
        support::write_bytes(folder.path / name, text);
        return read_records(folder.path / name);
    };
    CHECK(of("a.jsonl", "").records.empty());
    CHECK(of("a.csv", "").records.empty());
    CHECK(of("a.csv", "prompt\n").records.empty());
    CHECK_THROWS_WITH(of("a.jsonl", "{}\n{oops\n"), Contains("a.jsonl line 2 cannot be used: is no valid JSON"));
    CHECK_THROWS_WITH(of("a.jsonl", "{}\n7\n"), Contains("line 2 cannot be used: it is no JSON object"));
    CHECK_THROWS_WITH(of("a.json", "[{}, 1]"), Contains("object 2 cannot be used: it is no JSON object"));
    CHECK_THROWS_WITH(of("a.json", "[{},"), Contains("a.json is no valid JSON"));
    CHECK_THROWS_WITH(of("a.csv", "a,b\n1\n"), Contains("a.csv line 2 has 1 fields and the header 2: a, b"));
    CHECK_THROWS_WITH(of("a.csv", "a,a\n1,2\n"), Contains("a.csv names a column twice: a, a"));
    CHECK_THROWS_WITH(of("a.csv", "a\n\"b"), Contains("a.csv line 2 is no CSV"));
    CHECK_THROWS_WITH(of("a.csv", "a\ncaf\xe9\n"), Contains("no valid UTF-8 at byte"));
    CHECK_THROWS_WITH(of("a.txt", "hello\n"), Contains("is no list of JSON objects but something else"));
    CHECK_THROWS_WITH(of("a.parquet", "PAR1\x15\x04"), Contains("is a Parquet file") && Contains("PROXIMAL_ARROW"));
    CHECK_THROWS_WITH(of("a.jsonl", "\xff\xfe{"), Contains("UTF-16"));
    CHECK_THROWS_WITH(read_records(folder.path / "none"), Contains("does not exist"));
    CHECK_THROWS_WITH(read_records(folder.path), Contains("cannot be read"));

    std::string long_text;
    for (int i = 0; i < 5000; ++i) long_text += "{\"n\": " + std::to_string(i * i) + "}\n";
    support::write_gzip(folder.path / "a.gz", long_text);
    auto const whole = support::read_text(folder.path / "a.gz");
    CHECK(of("b.gz", whole).records.size() == 5000);
    CHECK_THROWS_WITH(of("b.gz", whole.substr(0, whole.size() / 2)), Contains("compressed by gzip and was cut short"));
    CHECK_THROWS_WITH(of("b.gz", whole.substr(0, whole.size() - 6)), Contains("was cut short"));
    CHECK_THROWS_WITH(of("b.gz", whole.substr(0, 100) + std::string(500, 'x') + whole.substr(600)),
                      Contains("is damaged"));
}

TEST_CASE("record_file: a format that the caller brings is asked first") {
    support::temporary_folder const folder;
    support::write_bytes(folder.path / "a.odd", "ODD!");
    record_format const odd{"odd", [](std::string_view start, auto const&) { return start.starts_with("ODD"); },
                            [](std::filesystem::path const& path) {
                                return record_table{{json{{"prompt", "odd"}}}, {1}, {{path, "row"}}};
                            }};
    CHECK(read_records(folder.path / "a.odd", {odd}).records.at(0)["prompt"] == "odd");
}
