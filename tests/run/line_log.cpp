// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <proximal/run/line_log.hpp>

#include "../support/temporary_folder.hpp"

using namespace proximal::run;

TEST_CASE("whole_lines: a line without its break is left out, a missing file has none") {
    support::temporary_folder const folder;
    std::ofstream(folder.path / "a") << "one\n\nthree\nfo";
    CHECK(whole_lines(folder.path / "a") == std::vector<std::string>{"one", "", "three"});
    CHECK(whole_lines(folder.path / "b").empty());
}

TEST_CASE("line_log: lines that say no update are not kept") {
    support::temporary_folder const folder;
    auto const file = folder.path / "a.jsonl";
    std::ofstream(file) << "{\"update\":1}\n{\"update\":\"1\"}\n[1]\n{}\n\n{\"update\":2}\n";
    line_log log;
    CHECK_FALSE(log.is_open());
    log.begin_or_go_on(file, 1);
    log.write("{\"update\":7}");
    CHECK(whole_lines(file) == std::vector<std::string>{"{\"update\":1}", "{\"update\":7}"});
    std::size_t files = 0;
    for ([[maybe_unused]] auto const& entry : std::filesystem::directory_iterator(folder.path)) ++files;
    CHECK(files == 1);
}

TEST_CASE("line_log: a folder that is not there is said") {
    line_log log;
    log.begin("/no/such/folder/a.jsonl");
    CHECK_THROWS_WITH(log.write("x"), Catch::Contains("cannot be written: check permissions and free space"));
}
