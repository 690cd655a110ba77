// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <catch2/catch.hpp>
#include <proximal/run/run_directory.hpp>

#include "../support/temporary_folder.hpp"

using namespace proximal;
using namespace proximal::run;

TEST_CASE("run_directory: an earlier run is moved aside, other files are never touched") {
    support::temporary_folder const folder;
    auto const run = folder.path / "deep" / "run";
    CHECK_FALSE(claim_run_directory(run));
    CHECK(std::filesystem::is_empty(run));
    std::ofstream(run / "metrics.jsonl") << "{}\n";
    CHECK(claim_run_directory(run));
    CHECK(std::filesystem::is_empty(run));
    CHECK(std::filesystem::exists(folder.path / "deep" / "run.previous" / "metrics.jsonl"));
    std::ofstream(run / "thesis.tex") << "x";
    CHECK_THROWS_WITH(claim_run_directory(run), Catch::Contains("holds files that are not of an earlier run"));
    CHECK(std::filesystem::exists(run / "thesis.tex"));
    CHECK_THROWS_WITH(claim_run_directory(run / "thesis.tex"), Catch::Contains("is a file"));
    CHECK_THROWS_WITH(claim_run_directory("/proc/nowhere"), Catch::Contains("cannot be written"));
}
