// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>
#include <proximal/io/process.hpp>

#include "../../support/temporary_folder.hpp"

using namespace proximal;
using namespace proximal::io;
namespace fs = std::filesystem;

TEST_CASE("parity: a number that is off is named, and fails") {
    auto const* const programs = std::getenv("PROXIMAL_BIN");
    REQUIRE(programs != nullptr);
    auto const parity = [&](fs::path const& folder) {
        return run_program("/bin/sh", {"-c", std::string(programs) + "/tests/parity " + folder.string() + " 2>&1"});
    };
    support::temporary_folder const folder;
    fs::copy(fs::path(PROXIMAL_TEST_DATA) / "trl" / "sequential", folder.path, fs::copy_options::recursive);
    CHECK(parity(folder.path).status == 0);

    auto const file = folder.path / "golden_base.json";
    std::ifstream in(file);
    std::string text(std::istreambuf_iterator<char>(in), {});
    std::string const key = "\"loss/value_avg\": ";
    auto const at = text.find(key) + key.size();
    auto const value = std::stod(text.substr(at));
    text.replace(at, text.find(',', at) - at, std::to_string(value * (1 + 1e-5)));
    std::ofstream(file) << text;
    auto const [status, output] = parity(folder.path);
    CHECK(status == 1);
    CHECK_THAT(output, Catch::Contains("FIRST ABOVE 1e-9: u1/metrics/loss/value_avg") &&
                           Catch::EndsWith("0 passed, 1 failed\n"));

    fs::remove(folder.path / "golden_base.json");
    CHECK_THAT(parity(folder.path).output, Catch::Contains("golden_base.json is missing"));
    CHECK(parity(folder.path / "nowhere").status == 1);
}
