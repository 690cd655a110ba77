// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <cstdlib>
#include <proximal/io/process.hpp>
#include <proximal/text/tokenizer.hpp>

#include "../support/temporary_folder.hpp"
#include "../support/tiny_tokenizer.hpp"

using namespace proximal;
using namespace proximal::io;
using namespace proximal::text;

TEST_CASE("tokenize: JSON lines in, JSON lines out; a bad line ends it with its number") {
    auto const* const programs = std::getenv("PROXIMAL_BIN");
    if (programs == nullptr || !std::filesystem::exists(std::filesystem::path(programs) / "tokenize")) {
        WARN("the program tokenize is not built, or PROXIMAL_BIN does not say where");
        return;
    }
    support::temporary_folder const folder;
    support::write_json(folder.path / "tokenizer.json", support::tiny_tokenizer());
    auto const run = [&](std::string const& input, std::string const& flags) {
        std::ofstream(folder.path / "in") << input;
        auto const command =
            std::string(programs) + "/tokenize " + flags + " < " + (folder.path / "in").string() + " 2>&1";
        return run_program("/bin/sh", {"-c", command});
    };
    auto const here = "--tokenizer " + folder.path.string();
    auto const [encoded, ids] = run("{\"text\": \"hello<eos>\"}\n{\"text\": \"\"}\n", here);
    CHECK(encoded == 0);
    CHECK(ids == "{\"ids\":[258,111,261]}\n{\"ids\":[]}\n");
    CHECK(run(ids, here + " --decode").output == "{\"text\":\"hello<eos>\"}\n{\"text\":\"\"}\n");
    CHECK(run(ids, here + " --decode --no-special-tokens").output == "{\"text\":\"hello\"}\n{\"text\":\"\"}\n");
    auto const bad = run("{\"text\": \"a\"}\n{\"words\": 1}\n", here);
    CHECK(bad.status == 1);
    CHECK_THAT(bad.output, Catch::Contains("{\"ids\":[97]}\n") &&
                               Catch::Contains("tokenize: line 2 of the input is not {\"text\": ...}"));
    for (char const* line : {"{\"ids\": [1, 99999]}", "{\"ids\": [-1]}", "{\"ids\": [1, 2.5]}", "{\"ids\": [\"a\"]}"}) {
        auto const refused = run(line, here + " --decode");
        CHECK(refused.status == 1);
        CHECK_THAT(refused.output, Catch::Contains("is no id of this tokenizer, which has 0 to "));
    }
    for (char const* line : {"{\"text\": 3}", "{\"text\"", "[]", "{}"}) {
        auto const refused = run(line, here);
        CHECK(refused.status == 1);
        CHECK_THAT(refused.output,
                   Catch::Contains("tokenize: line 1 of the input is not") && !Catch::Contains("json.exc"));
    }
    CHECK(run("\n{\"text\": \"a\"}\n \n", here).output == "{\"ids\":[97]}\n");
    if (std::filesystem::exists("/dev/full")) {
        auto const full = run_program("/bin/sh", {"-c", "echo '{\"text\": \"a\"}' | " + std::string(programs) +
                                                            "/tokenize " + here + " 2>&1 > /dev/full"});
        CHECK(full.status == 1);
        CHECK_THAT(full.output, Catch::Contains("tokenize: what it prints on stdout could not be written whole"));
    }
    CHECK(run("", "--tokenizer /no/such/folder").output.find("/no/such/folder is no folder") != std::string::npos);
}
