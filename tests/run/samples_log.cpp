// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <fstream>
#include <proximal/run/samples_log.hpp>

#include "../support/temporary_folder.hpp"

using namespace proximal;
using namespace proximal::run;

TEST_CASE("samples_log: an object a row, numbers as numbers, texts as they are") {
    support::temporary_folder const folder;
    trainer_state state{.output_dir = folder.path};
    samples_log log;
    log.on_train_begin(state);
    CHECK(!std::filesystem::exists(folder.path / "samples.jsonl"));
    state.update = 2;
    state.episode = 16;
    log.on_completions(state, {{"query", "model response", "score", "judge"},
                               {{"12", "a\n\"b\" \xff", "0.500", "fine"}, {"q", "r", "nan", "-1"}}});
    CHECK(whole_lines(folder.path / "samples.jsonl") ==
          std::vector<std::string>{
              R"({"update":2,"episode":16,"query":"12","response":"a\n\"b\" �","score":0.5,"judge":"fine"})",
              R"({"update":2,"episode":16,"query":"q","response":"r","score":null,"judge":-1})"});
}

TEST_CASE("samples_log: a resumed run goes on after the updates done") {
    support::temporary_folder const folder;
    std::ofstream(folder.path / "samples.jsonl") << R"({"update":1,"query":"a"})"
                                                    "\n"
                                                 << R"({"update":5,"query":"b"})"
                                                    "\n";
    trainer_state state{.update = 3, .output_dir = folder.path};
    samples_log log;
    log.on_train_begin(state);
    CHECK(whole_lines(folder.path / "samples.jsonl") == std::vector<std::string>{R"({"update":1,"query":"a"})"});
}
