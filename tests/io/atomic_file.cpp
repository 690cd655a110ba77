// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
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

TEST_CASE("atomic_file: a folder that does not exist is named") {
    CHECK_THROWS_WITH(
        write_file("/nowhere/at/all.txt", "x"),
        Catch::StartsWith("/nowhere/at/all.txt cannot be written") && Catch::Contains("check the folder"));
}
