// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <fstream>
#include <proximal/run/recorded_run.hpp>

#include "../support/temporary_folder.hpp"

using namespace proximal::run;

TEST_CASE("read_run: metrics in their order, NaN for null, evaluations at their update's episode") {
    support::temporary_folder const folder;
    std::ofstream(folder.path / "metrics.jsonl") << R"({"update":1,"z":1,"a":null,"episode":8})"
                                                    "\n"
                                                 << "no JSON\n"
                                                 << R"({"z":1})"
                                                    "\n"
                                                 << R"({"update":1,"eval/scores":4})"
                                                    "\n"
                                                 << R"({"update":2,"z":2,"a":0.5,"episode":16})"
                                                    "\n"
                                                 << R"({"update":2,"z":3,"episode":16})"
                                                    "\n"
                                                 << R"({"update":3,"z":9)";
    std::ofstream(folder.path / "config_ppo.json") << R"({"seed":42})";
    std::ofstream(folder.path / "samples.jsonl") << R"({"update":1,"query":"q"})"
                                                    "\n[1]\n";
    auto const run = read_run(folder.path / "");
    CHECK(run.name() == folder.path.filename().string());
    CHECK(run.metrics == std::vector<std::string>{"z", "a", "episode", "eval/scores"});
    auto const z = run.over_episodes("z");
    CHECK(z.x == std::vector<double>{8, 16});
    CHECK(z.y == std::vector<double>{1, 3});
    CHECK(std::isnan(run.over_episodes("a").y[0]));
    CHECK(run.over_episodes("eval/scores").x == std::vector<double>{8});
    CHECK(run.over_episodes("b").x.empty());
    CHECK(run.config["seed"] == 42);
    CHECK(run.samples.size() == 1);
    CHECK(run.findings.empty());
}

TEST_CASE("read_run: over updates where no episodes were logged; a folder of no run is refused") {
    support::temporary_folder const folder;
    CHECK_THROWS_WITH(read_run(folder.path), Catch::EndsWith("holds no metrics.jsonl: name the folder of a run"));
    std::ofstream(folder.path / "metrics.jsonl") << R"({"update":7,"z":1})"
                                                    "\n";
    std::ofstream(folder.path / "config_ppo.json") << "{damaged";
    auto const run = read_run(folder.path);
    CHECK(run.over_episodes("z").x == std::vector<double>{7});
    CHECK(run.config.empty());
}
