// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <catch2/catch.hpp>
#include <proximal/io/safetensors.hpp>
#include <proximal/io/safetensors_folder.hpp>
#include <proximal/io/write_safetensors.hpp>

#include "../support/temporary_folder.hpp"

using namespace proximal;
using namespace proximal::io;
using Catch::Contains;

namespace {
template <class T>
std::span<std::byte const> bytes(T const& values) {
    return std::as_bytes(std::span(values));
}
// A file as the format's text says, without our writer: length, header, data.
std::filesystem::path file(std::filesystem::path const& folder, std::string const& header, std::size_t data) {
    std::string content(8, '\0');
    for (std::size_t i = 0; i < 8; ++i) content[i] = char(header.size() >> (8 * i) & 0xff);
    write_file(folder / "x.safetensors", content + header + std::string(data, 'd'));
    return folder / "x.safetensors";
}
std::string entry(std::string const& name, std::string const& dtype, std::string const& shape,
                  std::string const& offsets) {
    return "\"" + name + "\":{\"dtype\":\"" + dtype + "\",\"shape\":" + shape + ",\"data_offsets\":" + offsets + "}";
}
}  // namespace

TEST_CASE("safetensors: every bit comes back, in any dtype, scalars and empty tensors too") {
    support::temporary_folder const folder;
    std::array const real{1.5f, -0.0f, std::numeric_limits<float>::quiet_NaN(), 1e-42f, 7.0f, 8.0f};
    std::array<std::uint8_t, 3> const flags{1, 0, 255};
    std::array<std::int64_t, 1> const one{-5};
    auto const path = folder.path / "a.safetensors";
    write_safetensors(path,
                      {{"z", {"F32", {2, 3}, bytes(real)}},
                       {"none", {"F64", {0, 4}, {}}},
                       {"b", {"U8", {3}, bytes(flags)}},
                       {"scalar", {"I64", {}, bytes(one)}}},
                      {{"note", "x"}});
    safetensors const read(path);
    REQUIRE(read.tensors().size() == 4);
    auto const same = [&](std::string const& name, auto const& values) {
        return std::ranges::equal(read.at(name).bytes, bytes(values));
    };
    CHECK(read.at("z").shape == std::vector<std::int64_t>{2, 3});
    CHECK(read.at("z").dtype == "F32");
    CHECK(same("z", real));
    CHECK(same("b", flags));
    CHECK(same("scalar", one));
    CHECK(read.at("none").bytes.empty());
    CHECK(read.metadata() == nlohmann::json{{"format", "pt"}, {"note", "x"}});
    CHECK(reinterpret_cast<std::uintptr_t>(read.at("z").bytes.data()) % 8 == 0);
    CHECK_THROWS_WITH(read.at("w"), Contains("a.safetensors has no tensor w; check"));
}

TEST_CASE("safetensors: what is wrong with a file is said in one sentence") {
    support::temporary_folder const folder;
    auto const says = [&](std::string const& header, std::size_t data, std::string const& what) {
        CHECK_THROWS_WITH(safetensors(file(folder.path, header, data)),
                          Contains("x.safetensors") && Contains(what) && Contains(";"));
    };
    CHECK_THROWS_WITH(safetensors(folder.path / "none"),
                      Contains("none cannot be opened: No such file") && Contains("check the path"));
    CHECK_THROWS_WITH(safetensors(folder.path), Contains("is not a plain file"));
    write_file(folder.path / "empty", "");
    CHECK_THROWS_WITH(safetensors(folder.path / "empty"), Contains("too short"));
    write_file(folder.path / "short", std::string("\x40\0\0\0\0\0\0\0{}", 10));
    CHECK_THROWS_WITH(safetensors(folder.path / "short"), Contains("ends inside its header"));
    write_file(folder.path / "huge", std::string("\xff\xff\xff\xff\xff\xff\xff\xff{}", 10));
    CHECK_THROWS_WITH(safetensors(folder.path / "huge"), Contains("announces a header of 18446744073709551615 bytes"));

    says("{\"a\":", 0, "not a JSON object");
    says("[]", 0, "not a JSON object");
    says("{" + entry("a", "F31", "[1]", "[0,4]") + "}", 4, "a in the unknown dtype \"F31\"");
    says("{" + entry("a", "F32", "[1]", "[0,8]") + "}", 4, "places a outside of its data");
    says("{" + entry("a", "F32", "[1]", "[4,0]") + "}", 4, "places a outside of its data");
    says("{" + entry("a", "F32", "[2]", "[0,4]") + "}", 4, "gives a 4 bytes where its shape and dtype need 8");
    says("{" + entry("a", "F32", "[-1]", "[0,4]") + "}", 4, "a shape that is no list of sizes");
    says("{" + entry("a", "F32", "[4611686018427387904,4]", "[0,0]") + "}", 0, "a a shape that overflows");
    says("{" + entry("a", "F32", "[1]", "[0,4]") + "," + entry("b", "F32", "[1]", "[2,6]") + "}", 6, "has b overlap");
    says("{" + entry("a", "F32", "[1]", "[0,4]") + "," + entry("b", "F32", "[1]", "[5,9]") + "}", 9,
         "unused bytes before b");
    says("{" + entry("a", "F32", "[1]", "[0,4]") + "}", 9, "unused bytes after its last tensor");
    says("{\"a\":{\"dtype\":\"F32\"}}", 0, "gives no shape for a");
    says("{\"a\":3}", 0, "gives no dtype for a");
}

TEST_CASE("write_safetensors: refuses what would not read back") {
    support::temporary_folder const folder;
    std::array const x{1.0f};
    CHECK_THROWS_WITH(write_safetensors(folder.path / "a", {{"x", {"F32", {2}, bytes(x)}}}),
                      Contains("x has 4 bytes, which is not F32"));
    CHECK_THROWS_WITH(write_safetensors(folder.path / "a", {{"x", {"F3", {0}, {}}}}),
                      Contains("F3, which safetensors has not"));
    CHECK_THROWS_WITH(
        write_safetensors(folder.path / "a", {{"x", {"F32", {1}, bytes(x)}}, {"x", {"F32", {1}, bytes(x)}}}),
        Contains("x is given twice"));
    CHECK(std::filesystem::is_empty(folder.path));
}

TEST_CASE("safetensors_folder: one file or shards; what is missing is named") {
    support::temporary_folder const folder;
    auto const& path = folder.path;
    std::array const x{1.0f}, y{2.0f};
    CHECK_THROWS_WITH(safetensors_folder(path), Contains("neither model.safetensors nor"));
    CHECK_NOTHROW(refuse_adapter(path));
    write_file(path / "adapter_config.json", "{}");
    CHECK_THROWS_WITH(safetensors_folder(path), Contains("is an adapter (LoRA), not a model: merge it"));
    CHECK_THROWS_WITH(refuse_adapter(path), Contains("merge_and_unload"));
    write_safetensors(path / "1.safetensors", {{"x", {"F32", {1}, bytes(x)}}});
    write_safetensors(path / "2.safetensors", {{"y", {"F32", {1}, bytes(y)}}});
    auto const index = path / "model.safetensors.index.json";
    write_file(index, R"({"weight_map": {"x": "1.safetensors", "y": "2.safetensors"}})");
    safetensors_folder const shards(path);
    CHECK(shards.tensors().size() == 2);
    CHECK(std::ranges::equal(shards.tensors().at("y").bytes, bytes(y)));

    write_file(index, R"({"weight_map": {"x": "3.safetensors"}})");
    CHECK_THROWS_WITH(safetensors_folder(path), Contains("3.safetensors is missing though") && Contains("for x"));
    write_file(index, R"({"weight_map": {"y": "1.safetensors"}})");
    CHECK_THROWS_WITH(safetensors_folder(path), Contains("1.safetensors has no tensor y"));
    write_file(index, R"({"weight_map": {"y": 1}})");
    CHECK_THROWS_WITH(safetensors_folder(path), Contains("names no file for y"));
    write_file(index, "{}");
    CHECK_THROWS_WITH(safetensors_folder(path), Contains("has no weight_map"));
    write_safetensors(path / "model.safetensors", {{"x", {"F32", {1}, bytes(x)}}});
    CHECK(safetensors_folder(path).tensors().size() == 1);
}
