// SPDX-License-Identifier: Apache-2.0
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <proximal/run/run_directory.hpp>
#include <string>

#include "../support/temporary_folder.hpp"

using namespace proximal;
using namespace proximal::run;

namespace {
/// What a run leaves that ended after it saved a model, or before.
void leave_run(std::filesystem::path const& folder, std::string const& mark, bool finished) {
    run_directory const taken(folder);
    std::ofstream(folder / "config_ppo.json") << mark;
    if (finished) std::ofstream(folder / "model.safetensors") << mark;
}
std::string mark_of(std::filesystem::path const& folder) {
    std::string mark;
    std::ifstream(folder / "config_ppo.json") >> mark;
    return mark;
}
}  // namespace

TEST_CASE("run_directory: an earlier run is moved aside, other files are never touched") {
    support::temporary_folder const folder;
    auto const run = folder.path / "deep" / "run";
    {
        run_directory const first(run);
        CHECK_FALSE(first.earlier().has_value());
    }
    CHECK(std::filesystem::is_empty(run));
    std::ofstream(run / "thesis.tex") << "x";
    CHECK_THROWS_WITH(run_directory(run), Catch::Contains("holds files that are not of an earlier run"));
    CHECK(std::filesystem::exists(run / "thesis.tex"));
    CHECK_THROWS_WITH(run_directory(run / "thesis.tex"), Catch::Contains("is a file"));
    CHECK_THROWS_WITH(run_directory("/proc/nowhere"), Catch::Contains("cannot be written"));
}

TEST_CASE("run_directory: a run is never deleted, however many follow, finished or not") {
    support::temporary_folder const folder;
    auto const run = folder.path / "run";
    leave_run(run, "good", true);
    leave_run(run, "died", false);
    leave_run(run, "died_again", false);
    CHECK(mark_of(folder.path / "run.previous") == "good");
    CHECK(mark_of(folder.path / "run.unfinished") == "died");
    leave_run(run, "better", true);
    leave_run(run, "best", true);
    leave_run(run, "last", true);
    CHECK(mark_of(folder.path / "run.previous") == "good");
    CHECK(mark_of(folder.path / "run.previous-2") == "better");
    CHECK(mark_of(folder.path / "run.previous-3") == "best");
    CHECK(mark_of(folder.path / "run.unfinished") == "died");
    CHECK(mark_of(folder.path / "run.unfinished-2") == "died_again");
    CHECK(mark_of(run) == "last");
}

TEST_CASE("run_directory: a folder of another's that has the name is left alone") {
    support::temporary_folder const folder;
    auto const run = folder.path / "run";
    std::filesystem::create_directory(folder.path / "run.unfinished");
    std::ofstream(folder.path / "run.unfinished" / "novel.txt") << "x";
    leave_run(run, "died", false);
    run_directory const next(run);
    CHECK(std::filesystem::exists(folder.path / "run.unfinished" / "novel.txt"));
    CHECK(*next.earlier() == folder.path / "run.unfinished-2");
}

TEST_CASE("run_directory: slashes, dots and ~ are what a shell means by them") {
    support::temporary_folder const folder;
    std::string const home = std::getenv("HOME") != nullptr ? std::getenv("HOME") : "";
    ::setenv("HOME", folder.path.c_str(), 1);
    leave_run(folder.path / "run", "first", true);
    {
        run_directory const taken((folder.path / "run" / "").string());
        CHECK(taken.path() == folder.path / "run");
        CHECK(*taken.earlier() == folder.path / "run.previous");
    }
    CHECK(run_directory(folder.path / "." / "x" / ".." / "run").path() == folder.path / "run");
    CHECK(run_directory("~/run").path() == folder.path / "run");
    CHECK(run_directory("~/run/").path() == folder.path / "run");
    std::filesystem::create_directories(folder.path / "large disk");
    std::filesystem::create_directory_symlink(folder.path / "large disk", folder.path / "link");
    CHECK(run_directory(folder.path / "link").path() == folder.path / "large disk");
    CHECK_THROWS_WITH(run_directory(""), Catch::Contains("--output_dir is empty"));
    ::setenv("HOME", home.c_str(), 1);
}

TEST_CASE("run_directory: two runs never share a folder, and a killed one does not keep it") {
    support::temporary_folder const folder;
    auto const run = folder.path / "run";
    int ready[2];
    REQUIRE(::pipe(ready) == 0);
    auto const other = ::fork();
    if (other == 0) {
        run_directory const taken(run);
        std::ofstream(run / "metrics.jsonl") << "{}";
        [[maybe_unused]] auto const told = ::write(ready[1], "x", 1);
        ::pause();
    }
    char word;
    REQUIRE(::read(ready[0], &word, 1) == 1);
    CHECK_THROWS_WITH(run_directory(run), Catch::Contains("is in use by process " + std::to_string(other)));
    CHECK(std::filesystem::exists(run / "metrics.jsonl"));
    ::kill(other, SIGKILL);
    ::waitpid(other, nullptr, 0);
    CHECK(run_directory(run).earlier() == folder.path / "run.unfinished");
    ::close(ready[0]), ::close(ready[1]);
}
