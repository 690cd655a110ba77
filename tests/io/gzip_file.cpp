// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <fstream>
#include <iterator>
#include <proximal/io/gzip_file.hpp>
#include <random>

#include "../support/gzip.hpp"
#include "../support/temporary_folder.hpp"

using namespace proximal::io;
using Catch::Contains;

namespace {
std::string compressed_in(std::filesystem::path const& path) {
    std::ifstream in(path, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(in), {});
}
/// Bytes that do not compress, longer than one read.
std::string noise(std::size_t size) {
    std::mt19937 engine(1);
    std::string text(size, '\0');
    for (auto& c : text) c = static_cast<char>(engine());
    return text;
}
}  // namespace

TEST_CASE("read_gzip_or_plain: what was compressed comes back, and a plain file as it is") {
    support::temporary_folder const folder;
    auto const path = folder.path / "a";
    for (auto const& text :
         {std::string("one\ntwo\n"), std::string(), std::string("\0\x1f\x8b", 3), noise(3'000'000)}) {
        support::write_gzip(path, text);
        CHECK(compressed_in(path).starts_with("\x1f\x8b"));
        CHECK(read_gzip_or_plain(path) == text);
        support::write_bytes(path, text);
        CHECK(read_gzip_or_plain(path) == text);
    }
    support::write_bytes(path, "");  // no member at all
    CHECK(read_gzip_or_plain(path).empty());
}

TEST_CASE("read_gzip_or_plain: members one behind another are one text, as gzip -c a >> b makes them") {
    support::temporary_folder const folder;
    auto const path = folder.path / "a";
    std::string all;
    for (auto const* text : {"one\n", "", "two\n"}) {
        support::write_gzip(path, text);
        all += compressed_in(path);
    }
    support::write_bytes(path, all);
    CHECK(read_gzip_or_plain(path) == "one\ntwo\n");
}

TEST_CASE("read_gzip_or_plain: no more than was asked for is read") {
    support::temporary_folder const folder;
    auto const path = folder.path / "a", plain = folder.path / "b";
    auto const text = noise(2'000'000);
    support::write_gzip(path, text);
    support::write_bytes(plain, text);
    for (auto const& file : {path, plain}) {
        CHECK(read_gzip_or_plain(file, 10) == text.substr(0, 10));
        CHECK(read_gzip_or_plain(file, text.size() + 1) == text);
    }
}

TEST_CASE(
    "read_gzip_or_plain: a file that was cut short or damaged is refused with its name, garbage behind is passed "
    "over") {
    support::temporary_folder const folder;
    auto const path = folder.path / "a.gz";
    auto const text = noise(100'000);
    support::write_gzip(path, text);
    auto const whole = compressed_in(path);
    for (auto const kept : {whole.size() - 1, whole.size() - 8, whole.size() / 2, std::size_t(11)}) {
        INFO(kept << " of " << whole.size());
        support::write_bytes(path, whole.substr(0, kept));
        CHECK_THROWS_WITH(read_gzip_or_plain(path), Contains(path.string()) && Contains("was cut short"));
    }
    auto damaged = whole;
    damaged[damaged.size() - 6] ^= 1;  // of the checksum
    support::write_bytes(path, damaged);
    CHECK_THROWS_WITH(read_gzip_or_plain(path),
                      Contains("a.gz is compressed by gzip and is damaged; fetch or write it"));
    for (auto const& behind : {std::string("garbage"), std::string(512, '\0')}) {  // as tapes pad
        support::write_bytes(path, whole + behind);
        CHECK(read_gzip_or_plain(path) == text);
    }
}

TEST_CASE("read_gzip_or_plain: a folder and what is not there are refused with the remedy") {
    support::temporary_folder const folder;
    CHECK_THROWS_WITH(read_gzip_or_plain(folder.path), Contains("cannot be read; check that it is a file"));
    CHECK_THROWS_WITH(read_gzip_or_plain(folder.path / "none"), Contains("none cannot be read"));
}
