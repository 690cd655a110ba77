// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <fstream>
#include <proximal/io/hub.hpp>

#include "../support/fake_machine.hpp"

using namespace proximal;
using namespace proximal::io;
using Catch::Contains;
namespace fs = std::filesystem;

using support::environment;
using support::fake_machine;
using support::write;
using support::write_program;

TEST_CASE("hub: a local folder stands for itself, nonsense is refused before anything runs") {
    fake_machine machine;
    write_program(machine.bin / "hf", "echo ran > " + (machine.folder.path / "ran").string());
    CHECK(resolve_model(machine.folder.path.string()) == machine.folder.path);
    for (auto const* const bad : {"", "/no/such/folder", "a/b/c", "--token", "org/..", "a b", "org/", "x;ls", "../y"})
        CHECK_THROWS_WITH(resolve_model(bad), Contains("neither a folder nor a model id"));
    CHECK_FALSE(fs::exists(machine.folder.path / "ran"));
}

TEST_CASE("hub: the cache's snapshot of main, if nothing is missing") {
    fake_machine machine;
    auto const snapshot = machine.cache("abc123");
    // what AutoConfig.from_pretrained leaves, or a download that was cut off
    CHECK_THROWS_WITH(resolve_model("org/tiny"), Contains("org/tiny lacks model.safetensors in the cache"));
    CHECK_THROWS_WITH(resolve_model("org/tiny", hub::content::tokenizer), Contains("org/tiny lacks tokenizer.json"));
    write(snapshot / "tokenizer.json", "{}");
    CHECK(resolve_model("org/tiny", hub::content::tokenizer) == snapshot);
    CHECK_THROWS_WITH(resolve_model("org/tiny"), Contains("lacks model.safetensors"));
    write(snapshot / "model.safetensors", "");
    CHECK(resolve_model("org/tiny") == snapshot);
    fs::remove(snapshot / "model.safetensors");
    write(snapshot / "model.safetensors.index.json", R"({"weight_map": {"w": "model-00001-of-00001.safetensors"}})");
    CHECK_THROWS_WITH(resolve_model("org/tiny"),
                      Contains("org/tiny lacks model-00001-of-00001.safetensors in the cache"));
    write(snapshot / "model-00001-of-00001.safetensors", "");
    CHECK(resolve_model("org/tiny") == snapshot);
    write(machine.model / "refs/main", "../../..");
    CHECK_THROWS_WITH(resolve_model("org/tiny"), Contains("not in the cache"));
}

TEST_CASE("hub: where the cache lies") {
    environment variables;
    variables.set("HF_HUB_CACHE", "/a");
    variables.set("HF_HOME", "/b");
    variables.unset("XDG_CACHE_HOME");
    variables.set("HOME", "/c");
    CHECK(io::hub::cache_folder() == "/a");
    variables.unset("HF_HUB_CACHE");
    CHECK(io::hub::cache_folder() == "/b/hub");
    variables.unset("HF_HOME");
    CHECK(io::hub::cache_folder() == "/c/.cache/huggingface/hub");
    variables.set("PLACE", "/d");
    for (auto const& [written, meant] :
         {std::pair("~/hf", "/c/hf/hub"), std::pair("$PLACE/hf", "/d/hf/hub"), std::pair("${PLACE}x", "/dx/hub"),
          std::pair("$NOWHERE/hf", "$NOWHERE/hf/hub"), std::pair("/a$", "/a$/hub")}) {
        variables.set("HF_HOME", written);
        CHECK(io::hub::cache_folder() == meant);
    }
}

TEST_CASE("hub: ~ is the home folder, and an empty local folder that hides a model is named") {
    fake_machine machine;
    machine.variables.set("HOME", machine.folder.path.string());
    fs::create_directories(machine.folder.path / "model");
    CHECK(resolve_model("~/model") == machine.folder.path / "model");
    auto const before = fs::current_path();
    fs::current_path(machine.folder.path);
    fs::create_directories("org/hidden");
    CHECK_THROWS_WITH(resolve_model("org/hidden"), Contains("is empty, and hides the Hub's org/hidden"));
    write("org/hidden/config.json", "{}");
    CHECK(resolve_model("org/hidden") == "org/hidden");
    fs::current_path(before);
}

TEST_CASE("hub: hf fetches what the cache lacks, unless offline") {
    fake_machine machine;
    auto const target = machine.folder.path / "with space";
    CHECK_THROWS_WITH(resolve_model("org/tiny"),
                      Contains("org/tiny is no local folder") && Contains("install the program hf"));
    write_program(machine.bin / "hf", "echo progress >&2; echo first line; echo \"" + target.string() +
                                          "\"; echo $# $1 $2 > '" + (machine.folder.path / "arguments").string() + "'");
    CHECK_THROWS_WITH(resolve_model("org/tiny"), Contains("printed no folder"));
    fs::create_directories(target);
    CHECK_THROWS_WITH(resolve_model("org/tiny"), Contains("without config.json"));
    write(target / "config.json", "{}");
    CHECK_THROWS_WITH(resolve_model("org/tiny"), Contains("without model.safetensors"));
    write(target / "model.safetensors", "");
    CHECK(resolve_model("org/tiny") == target);
    std::string arguments;
    std::getline(std::ifstream(machine.folder.path / "arguments"), arguments);
    CHECK(arguments == "2 download org/tiny");

    write_program(machine.bin / "hf", "exit 3");
    CHECK_THROWS_WITH(resolve_model("org/tiny"), Contains("could not download org/tiny (status 3)"));
    machine.variables.set("HF_HUB_OFFLINE", "1");
    CHECK_THROWS_WITH(resolve_model("org/tiny"), Contains("HF_HUB_OFFLINE is set"));
}

TEST_CASE("process: output, status and arguments as they are") {
    auto const [status, output] =
        run_program("/bin/sh", {"-c", "printf '%s|' \"$@\"; exit 7", "sh", "a b", "$HOME", ""});
    CHECK(status == 7);
    CHECK(output == "a b|$HOME||");
    CHECK(run_program("/bin/sh", {"-c", "kill -9 $$"}).status == 137);
    CHECK(run_program("/bin/sh", {"-c", "head -c 300000 /dev/zero"}).output.size() == 300000);
    CHECK_THROWS_WITH(run_program("/no/such/program", {}), Contains("/no/such/program cannot be run"));
}
