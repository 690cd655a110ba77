// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <fstream>
#include <limits>
#include <proximal/run/state_folder.hpp>
#include <random>
#include <string>

#include "../support/temporary_folder.hpp"

using namespace proximal::run;

namespace {
/// Something with a value of every type that a state can hold.
struct every_type {
    bool flag = false;
    std::int64_t count = 0;
    std::uint64_t seed = 0;
    int small = 0;
    std::vector<double> numbers = std::vector<double>(6);
    std::string text;
    std::vector<std::int64_t> order;
    std::mt19937_64 engine;
    std::vector<float> array = std::vector<float>(3);

    void visit_state(state_archive& archive) {
        archive("flag", flag), archive("count", count), archive("seed", seed), archive("small", small);
        for (std::size_t i = 0; i < numbers.size(); ++i) archive("number_" + std::to_string(i), numbers[i]);
        archive("text", text), archive("order", order), archive("engine", engine);
        state_array bytes{"F32", {3}, std::as_writable_bytes(std::span(array))};
        archive("array", bytes);
    }
};
every_type full() {
    every_type x{true, -5, ~std::uint64_t{0}, 7, {}, "a \"quoted\" \n line, \u00e9", {3, 1, 2}, {}, {}};
    double const inf = std::numeric_limits<double>::infinity();
    x.numbers = {0.1, -0.0, inf, -inf, std::nan(""), 5e-324};
    x.array = {1.5f, std::nanf(""), -0.0f};
    x.engine.discard(1000);
    return x;
}
void write(std::filesystem::path const& folder, every_type x) {
    write_state(folder, [&](state_archive& archive) { archive.within("thing", x); });
}
}  // namespace

TEST_CASE("state_folder: every type comes back to the bit, what is not finite too") {
    support::temporary_folder const folder;
    auto const was = full();
    write(folder.path, was);
    every_type is;
    state_folder reading(folder.path);
    reading.within("thing", is);
    CHECK_NOTHROW(reading.finish());
    CHECK(is.flag == was.flag);
    CHECK(is.count == was.count);
    CHECK(is.seed == was.seed);
    CHECK(is.small == was.small);
    CHECK(is.text == was.text);
    CHECK(is.order == was.order);
    CHECK(is.engine == was.engine);
    for (std::size_t i = 0; i < was.numbers.size(); ++i)
        CHECK((std::isnan(was.numbers[i]) ? std::isnan(is.numbers[i])
                                          : std::memcmp(&is.numbers[i], &was.numbers[i], sizeof(double)) == 0));
    CHECK(std::memcmp(is.array.data(), was.array.data(), 3 * sizeof(float)) == 0);
    CHECK(reading.holds("thing"));
    CHECK_FALSE(reading.holds("thin"));
}

TEST_CASE("state_folder: a state of another run, a damaged or truncated one is refused by name") {
    support::temporary_folder const folder;
    write(folder.path, full());
    every_type into;
    auto const read = [&](char const* as) {
        state_folder reading(folder.path);
        reading.within(as, into);
        reading.finish();
    };
    CHECK_THROWS_WITH(read("other"), Catch::Contains("holds no 'other/flag'"));
    {
        state_folder reading(folder.path);
        CHECK_THROWS_WITH(reading.finish(), Catch::Contains("which this run does not have"));
        into.array.resize(4);
        state_array bytes{"F32", {4}, std::as_writable_bytes(std::span(into.array))};
        CHECK_THROWS_WITH(reading("thing/array", bytes), Catch::Contains("another dtype or shape of 'thing/array'"));
    }
    std::filesystem::resize_file(folder.path / "state.safetensors", 40);
    CHECK_THROWS_WITH(read("thing"), Catch::Contains("state.safetensors"));
    write(folder.path, full());
    for (char const* text : {"", "{", "[1]", "{\"bool\": 3}", "{\"bool\": {\"thing/flag\": \"yes\"}}"}) {
        std::ofstream(folder.path / "state.json") << text;
        INFO(text);
        CHECK_THROWS_AS(read("thing"), std::runtime_error);
    }
}

TEST_CASE("state_folder: two values of one name are refused when they are written") {
    support::temporary_folder const folder;
    CHECK_THROWS_WITH(write_state(folder.path,
                                  [](state_archive& archive) {
                                      bool a = true, b = false;
                                      archive("x", a), archive("x", b);
                                  }),
                      Catch::Contains("are called 'x'"));
    CHECK(std::filesystem::is_empty(folder.path));
}
