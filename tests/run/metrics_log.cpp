// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <fstream>
#include <limits>
#include <proximal/run/metrics_log.hpp>

#include "../support/temporary_folder.hpp"

using namespace proximal;
using namespace proximal::run;

namespace {
metrics one_number(char const* name, double value) {
    metrics numbers;
    numbers.set(name, value);
    return numbers;
}
}  // namespace

TEST_CASE("metrics_log: a JSON object a line, NaN as null, whole numbers whole") {
    support::temporary_folder const folder;
    trainer_state state{.update = 3, .output_dir = folder.path};
    metrics numbers;
    numbers.set("objective/kl", 0.25);
    numbers.set("val/ratio_var", std::numeric_limits<double>::quiet_NaN());
    numbers.set("episode", 64);
    {
        metrics_log log;
        log.on_train_begin(state);
        log.on_log(state, numbers);
    }
    std::ifstream in(folder.path / "metrics.jsonl");
    std::string line;
    std::getline(in, line);
    CHECK(line == R"({"update":3,"objective/kl":0.25,"val/ratio_var":null,"episode":64})");
}

TEST_CASE("metrics_log: a resumed run goes on after the updates done, nothing is there twice") {
    support::temporary_folder const folder;
    auto const file = folder.path / "metrics.jsonl";
    std::ofstream(file) << R"({"update":1,"x":1})"
                           "\n"
                        << R"({"update":2,"x":2})"
                           "\n"
                        << R"({"update":2,"eval/scores":5})"
                           "\n"
                        << R"({"update":3,"x":3})"
                           "\n"
                        << "half a line and its break\n"
                        << R"({"update":4,"x)";
    trainer_state state{.update = 2, .output_dir = folder.path};
    metrics_log log;
    log.on_train_begin(state);
    state.update = 3;
    log.on_log(state, one_number("x", 30));
    CHECK(whole_lines(file) == std::vector<std::string>{R"({"update":1,"x":1})", R"({"update":2,"x":2})",
                                                        R"({"update":2,"eval/scores":5})", R"({"update":3,"x":30})"});
}

TEST_CASE("metrics_log: a run from the start begins the file anew, a resumed one without a file begins it too") {
    support::temporary_folder const folder;
    auto const file = folder.path / "metrics.jsonl";
    std::ofstream(file) << R"({"update":1,"x":1})"
                           "\n";
    trainer_state state{.output_dir = folder.path};
    metrics_log log;
    log.on_train_begin(state);
    state.update = 1;
    log.on_evaluate(state, one_number("eval/scores", 2.5));
    CHECK(whole_lines(file) == std::vector<std::string>{R"({"update":1,"eval/scores":2.5})"});
    std::filesystem::remove(file);
    metrics_log resumed;
    resumed.on_train_begin(state);
    state.update = 2;
    resumed.on_log(state, one_number("x", 2));
    CHECK(whole_lines(file) == std::vector<std::string>{R"({"update":2,"x":2})"});
}
