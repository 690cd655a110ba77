// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <proximal/run/line_log.hpp>

#include "../support/temporary_folder.hpp"

using namespace proximal::run;

// The client stands in for trackio's: what the script calls is written down.
TEST_CASE("scripts/import_run.py: each update is a step with its metrics, evaluations among them") {
    if (std::system("python3 -c '' 2>/dev/null") != 0) {
        WARN("python3 is missing: scripts/import_run.py was not run");
        return;
    }
    support::temporary_folder const folder;
    auto const run = folder.path / "a run";
    std::filesystem::create_directory(run);
    std::ofstream(run / "config_ppo.json") << R"({"seed": 42})";
    std::ofstream(run / "metrics.jsonl") << R"({"update":1,"x":1,"y":null})"
                                            "\n"
                                         << R"({"update":1,"eval/scores":2})"
                                            "\n"
                                         << R"({"update":2,"x":3})"
                                            "\n"
                                         << R"({"upda)";
    std::ofstream(folder.path / "trackio.py") << R"(
import json
said = open("calls", "w")
def init(**told): print("init", json.dumps(told, sort_keys=True), file=said)
def log(metrics, step): print("log", step, json.dumps(metrics), file=said)
def finish(): print("finish", file=said)
)";
    auto const script = std::filesystem::path(PROXIMAL_TEST_DATA) / "../../scripts/import_run.py";
    auto const call = [&](std::string const& arguments) {
        return std::system(("cd " + folder.path.string() + " && PYTHONPATH=. PYTHONDONTWRITEBYTECODE=1 python3 " +
                            script.string() + " " + arguments + " > said 2> errors")
                               .c_str());
    };
    CHECK(call("'a run' --to trackio --project p") == 0);
    CHECK(whole_lines(folder.path / "calls") ==
          std::vector<std::string>{R"(init {"config": {"seed": 42}, "name": "a run", "project": "p"})",
                                   R"(log 1 {"x": 1, "eval/scores": 2})", R"(log 2 {"x": 3})", "finish"});
    CHECK(call("nowhere --to trackio") != 0);
    auto const errors = whole_lines(folder.path / "errors");
    REQUIRE(errors.size() == 1);
    CHECK_THAT(errors[0], Catch::EndsWith("holds no metrics.jsonl: name the folder of a run"));
}
