// SPDX-License-Identifier: Apache-2.0
#include <sys/wait.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <proximal/io/atomic_file.hpp>
#include <sstream>

#include "../support/temporary_folder.hpp"

using namespace proximal;
using namespace proximal::io;

namespace {
std::string content(std::filesystem::path const& path) {
    std::ifstream in(path, std::ios::binary);
    return (std::ostringstream() << in.rdbuf()).str();
}
}  // namespace

TEST_CASE("atomic_file: appears whole, or leaves what was there") {
    support::temporary_folder const folder;
    auto const path = folder.path / "a.txt";
    write_file(path, "first");
    CHECK(content(path) == "first");
    {
        atomic_file abandoned(path);
        abandoned.stream() << "half";
    }
    CHECK(content(path) == "first");
    write_file(path, std::string("sec\0nd", 6));
    CHECK(content(path) == std::string("sec\0nd", 6));
    CHECK(std::distance(std::filesystem::directory_iterator(folder.path), {}) == 1);
}

TEST_CASE("atomic_file: two writers of one place do not mix, and what a killed process left is removed") {
    support::temporary_folder const folder;
    auto const path = folder.path / "a.txt";
    {
        atomic_file first(path), second(path);
        first.stream() << "one";
        second.stream() << "two";
        second.commit();
        CHECK(content(path) == "two");
        first.commit();
    }
    CHECK(content(path) == "one");
    ::pid_t const child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        auto* const left = new atomic_file(path);
        left->stream() << "half" << std::flush;
        ::kill(::getpid(), SIGKILL);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(std::distance(std::filesystem::directory_iterator(folder.path), {}) == 2);
    for (auto const& entry : std::filesystem::directory_iterator(folder.path))  // it was long ago
        std::filesystem::last_write_time(entry,
                                         std::filesystem::file_time_type::clock::now() - std::chrono::minutes(1));
    atomic_file alive(path);
    CHECK(std::distance(std::filesystem::directory_iterator(folder.path), {}) == 2);  // its own, not the dead one's
    write_file(path, "three");
    CHECK(content(path) == "three");
    alive.commit();  // nobody removed it meanwhile
}

TEST_CASE("atomic_file: a folder that does not exist is named") {
    CHECK_THROWS_WITH(
        write_file("/nowhere/at/all.txt", "x"),
        Catch::StartsWith("/nowhere/at/all.txt cannot be written") && Catch::Contains("check the folder"));
}
