// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <fstream>
#include <iterator>
#include <proximal/io/growing_file.hpp>

#include "../support/temporary_folder.hpp"

using proximal::io::growing_file;

namespace {
std::string written_in(std::filesystem::path const& path) {
    std::ifstream in(path, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(in), {});
}
}  // namespace

TEST_CASE("growing_file: each piece is there as soon as it is written, anew or after what the file holds") {
    support::temporary_folder const folder;
    auto const path = folder.path / "log";
    growing_file file;
    CHECK_FALSE(file.is_open());
    file.open(path, std::ios::trunc);
    file.write("one\n");
    CHECK(written_in(path) == "one\n");
    file.close();
    file.open(path, std::ios::app);
    file.write(std::string_view("t\0wo", 4));
    CHECK(written_in(path) == std::string("one\nt\0wo", 8));
}

TEST_CASE(
    "growing_file: one that was deleted, moved or replaced, or whose folder was, is begun anew: nothing is lost") {
    support::temporary_folder const folder;
    auto const inside = folder.path / "run", path = inside / "log";
    auto const holds_after = [&](auto const& happens) {
        std::filesystem::create_directories(inside);
        growing_file file;
        file.open(path, std::ios::trunc);
        file.begins_with("head\n");
        file.write("one\n");
        happens();
        file.write("two\n");
        file.write("three\n");
        auto const found = written_in(path);
        std::filesystem::remove_all(inside);
        return found;
    };
    CHECK(holds_after([] {}) == "one\ntwo\nthree\n");
    CHECK(holds_after([&] { std::filesystem::remove(path); }) == "head\ntwo\nthree\n");
    CHECK(holds_after([&] { std::filesystem::remove_all(inside); }) == "head\ntwo\nthree\n");
    CHECK(holds_after([&] { std::filesystem::rename(inside, folder.path / "elsewhere"); }) == "head\ntwo\nthree\n");
    CHECK(holds_after([&] {  // as an editor saves
              std::ofstream(inside / "copy") << "one, edited\n";
              std::filesystem::rename(inside / "copy", path);
          }) == "one, edited\ntwo\nthree\n");
}

TEST_CASE("growing_file: what cannot be opened or is full is told with the remedy") {
    growing_file file;
    file.open("/no/such/folder/log", std::ios::trunc);
    CHECK_THROWS_WITH(file.write("x"), "/no/such/folder/log cannot be written: check permissions and free space");
    file.open("/dev/full", std::ios::app);
    CHECK_THROWS_WITH(file.write("x"), "/dev/full cannot be written: check permissions and free space");
}
