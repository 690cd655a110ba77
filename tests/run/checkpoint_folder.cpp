// SPDX-License-Identifier: Apache-2.0
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <fstream>
#include <proximal/run/checkpoint_folder.hpp>
#include <string>

#include "../support/temporary_folder.hpp"

using namespace proximal;
using namespace proximal::run;

namespace {
void write_checkpoint(std::filesystem::path const& run, std::int64_t update, std::string const& mark) {
    new_checkpoint checkpoint(run, update);
    std::filesystem::create_directories(checkpoint.path() / "value_model");
    std::ofstream(checkpoint.path() / "state.json") << mark;
    std::ofstream(checkpoint.path() / "value_model" / "weights") << mark << mark;
    checkpoint.commit();
}
std::string content_of(std::filesystem::path const& file) {
    std::ifstream in(file);
    return {std::istreambuf_iterator<char>(in), {}};
}
std::vector<std::string> names_in(std::filesystem::path const& run) {
    std::vector<std::string> names;
    for (auto const& folder : complete_checkpoints(run)) names.push_back(folder.filename());
    return names;
}
}  // namespace

TEST_CASE("checkpoint_folder: it appears whole or not at all, and replaces an earlier one of its update") {
    support::temporary_folder const run;
    write_checkpoint(run.path, 2, "first");
    write_checkpoint(run.path, 10, "other");
    CHECK(names_in(run.path) == std::vector<std::string>{"checkpoint-2", "checkpoint-10"});  // by number, not spelling
    {
        new_checkpoint lost(run.path, 2);
        std::ofstream(lost.path() / "state.json") << "half";
    }  // no commit
    CHECK(content_of(run.path / "checkpoint-2" / "state.json") == "first");
    write_checkpoint(run.path, 2, "second");
    CHECK(content_of(run.path / "checkpoint-2" / "state.json") == "second");
    CHECK(std::distance(std::filesystem::directory_iterator(run.path), {}) == 2);  // nothing else remains
}

TEST_CASE("checkpoint_folder: a process killed while it saves leaves the earlier ones whole, and its rest goes later") {
    support::temporary_folder const run;
    write_checkpoint(run.path, 1, "kept");
    ::pid_t const child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        new_checkpoint checkpoint(run.path, 2);
        std::ofstream(checkpoint.path() / "state.json") << "half" << std::flush;
        ::kill(::getpid(), SIGKILL);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(std::filesystem::exists(run.path / "checkpoint-2.part"));
    CHECK(names_in(run.path) == std::vector<std::string>{"checkpoint-1"});
    write_checkpoint(run.path, 3, "next");
    CHECK_FALSE(std::filesystem::exists(run.path / "checkpoint-2.part"));
    CHECK(names_in(run.path) == std::vector<std::string>{"checkpoint-1", "checkpoint-3"});
}

TEST_CASE("checkpoint_folder: what is truncated, missing, foreign or of another version is told in words") {
    support::temporary_folder const run;
    write_checkpoint(run.path, 1, "whole");
    auto const folder = run.path / "checkpoint-1";
    CHECK(checkpoint_trouble(folder).empty());
    SECTION("truncated") {
        std::filesystem::resize_file(folder / "value_model" / "weights", 3);
        CHECK(checkpoint_trouble(folder) == "is incomplete: value_model/weights holds 3 bytes of 10");
    }
    SECTION("missing") {
        std::filesystem::remove(folder / "state.json");
        CHECK(checkpoint_trouble(folder) == "is incomplete: state.json is missing");
    }
    SECTION("foreign") {
        std::filesystem::remove(folder / "manifest.json");
        CHECK(checkpoint_trouble(folder).find("no checkpoint of this program") != std::string::npos);
    }
    SECTION("a damaged manifest") {
        for (char const* text : {"{", "[]", "{\"version\": \"x\"}", "{\"version\": 1, \"files\": 3}", ""}) {
            std::ofstream(folder / "manifest.json") << text;
            INFO(text);
            CHECK_FALSE(checkpoint_trouble(folder).empty());
        }
    }
    SECTION("of a later version") {
        std::ofstream(folder / "manifest.json") << "{\"version\": 7, \"files\": {}}";
        CHECK(checkpoint_trouble(folder) == "is of version 7, and this program reads version 1");
    }
    SECTION("no folder") { CHECK(checkpoint_trouble(run.path / "none") == "is no folder"); }
}

TEST_CASE("checkpoint_folder: the last whole one is resumed; a named one must be whole; auto begins anew") {
    support::temporary_folder const run;
    CHECK_FALSE(checkpoint_named("auto", run.path).folder.has_value());
    CHECK_FALSE(checkpoint_named("false", run.path).folder.has_value());
    CHECK_THROWS_WITH(checkpoint_named("true", run.path), Catch::Contains("holds no whole checkpoint"));
    for (int update : {1, 2, 3}) write_checkpoint(run.path, update, "x");
    std::filesystem::remove(run.path / "checkpoint-3" / "state.json");
    for (char const* last : {"auto", "true", "True"}) {
        auto const found = checkpoint_named(last, run.path);
        CHECK(found.folder == run.path / "checkpoint-2");
        CHECK(found.passed_over == std::vector<std::string>{"checkpoint-3 is incomplete: state.json is missing"});
    }
    CHECK(checkpoint_named((run.path / "checkpoint-1").string(), "elsewhere").folder == run.path / "checkpoint-1");
    CHECK_THROWS_WITH(checkpoint_named((run.path / "checkpoint-3").string(), run.path),
                      Catch::Contains("is incomplete: state.json is missing"));
    CHECK_THROWS_WITH(checkpoint_named("ture", run.path), Catch::Contains("is no folder"));
    CHECK_THROWS_WITH(
        checkpoint_named(run.path.string(), run.path),
        Catch::Contains("it is a run's folder; name a checkpoint of it") && Catch::Contains("checkpoint-2"));
}

TEST_CASE("checkpoint_folder: of more than the limit the oldest go; the newest and the best stay") {
    support::temporary_folder const run;
    for (int update : {1, 2, 3, 4, 5}) write_checkpoint(run.path, update, "x");
    limit_checkpoints(run.path, 3, run.path / "checkpoint-1");
    CHECK(names_in(run.path) == std::vector<std::string>{"checkpoint-1", "checkpoint-4", "checkpoint-5"});
    limit_checkpoints(run.path, 1);
    CHECK(names_in(run.path) == std::vector<std::string>{"checkpoint-5"});
    limit_checkpoints(run.path, 0);  // never the last
    CHECK(names_in(run.path) == std::vector<std::string>{"checkpoint-5"});
}

TEST_CASE("checkpoint_folder: names that are no checkpoints are let be") {
    for (char const* name :
         {"checkpoint", "checkpoint-", "checkpoint-x", "checkpoint-1.part", "checkpoint--1", "run-1"})
        CHECK_FALSE(update_of_checkpoint(name).has_value());
    CHECK(update_of_checkpoint("a/checkpoint-500") == 500);
}

TEST_CASE("checkpoint_folder: a changed byte is found where a checkpoint is resumed, and an older one is taken") {
    support::temporary_folder const run;
    for (int update : {1, 2, 3}) write_checkpoint(run.path, update, "content");
    std::ofstream(run.path / "checkpoint-3" / "state.json") << "contenT";  // of the same size
    auto const folder = run.path / "checkpoint-3";
    CHECK(checkpoint_trouble(folder).empty());
    CHECK(checkpoint_trouble(folder, /*deep=*/true) == "is damaged: state.json is not what was written");
    {
        new_checkpoint models_alone(run.path, 2);
        std::ofstream(models_alone.path() / "model.safetensors") << "x";
        models_alone.commit();
    }
    auto const found = checkpoint_named("auto", run.path);
    CHECK(found.folder == run.path / "checkpoint-1");
    CHECK(found.passed_over.size() == 2);
    CHECK(found.passed_over.back() == "checkpoint-2 holds the models alone (--save_only_model)");
}
