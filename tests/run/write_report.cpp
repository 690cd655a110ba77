// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <fstream>
#include <proximal/run/write_report.hpp>

#include "../support/temporary_folder.hpp"

using namespace proximal::run;

TEST_CASE("write_report: a page of an old run that wrote metrics alone, and one of its samples where there are any") {
    support::temporary_folder const folder;
    CHECK_THROWS_AS(write_report(folder.path), std::invalid_argument);
    std::ofstream(folder.path / "metrics.jsonl") << R"({"update":1,"objective/kl":0.5,"episode":8})"
                                                    "\n";
    write_report(folder.path);
    CHECK(std::filesystem::exists(folder.path / "report.html"));
    CHECK_FALSE(std::filesystem::exists(folder.path / "samples.html"));
    std::ofstream(folder.path / "samples.jsonl") << R"({"update":1,"query":"q","response":"r","score":1})"
                                                    "\n";
    write_report(folder.path);
    CHECK(std::filesystem::exists(folder.path / "samples.html"));
}
