// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <cmath>
#include <fstream>
#include <proximal/run/csv_log.hpp>

#include "../support/temporary_folder.hpp"

using namespace proximal;
using namespace proximal::run;

TEST_CASE("csv_field and csv_fields: what one writes the other reads") {
    CHECK(csv_field("a/b") == "a/b");
    CHECK(csv_field("a,\"b\"") == "\"a,\"\"b\"\"\"");
    CHECK(csv_fields("update,\"a,\"\"b\"\"\",c") == std::vector<std::string>{"update", "a,\"b\"", "c"});
    CHECK(csv_fields("") == std::vector<std::string>{""});
}

TEST_CASE("csv_log: a metric that appears later adds a column, an evaluation is a row") {
    support::temporary_folder const folder;
    trainer_state state{.output_dir = folder.path};
    csv_log log;
    log.on_train_begin(state);
    metrics numbers;
    numbers.set("x", 0.5);
    numbers.set("y", std::nan(""));
    state.update = 1;
    log.on_log(state, numbers);
    metrics evaluated;
    evaluated.set("eval/scores", 3);
    log.on_evaluate(state, evaluated);
    state.update = 2;
    log.on_log(state, numbers);
    CHECK(whole_lines(folder.path / "metrics.csv") ==
          std::vector<std::string>{"update,x,y,eval/scores", "1,0.5,nan,", "1,,,3", "2,0.5,nan,"});
}

TEST_CASE("csv_log: a resumed run goes on after the updates done, under the same header") {
    support::temporary_folder const folder;
    std::ofstream(folder.path / "metrics.csv") << "update,\"a,b\",x\n1,7,1\n2,7,2\n3,7,3\n4,7";
    trainer_state state{.update = 2, .output_dir = folder.path};
    csv_log log;
    log.on_train_begin(state);
    metrics numbers;
    numbers.set("x", 30);
    numbers.set("a,b", 8);
    state.update = 3;
    log.on_log(state, numbers);
    CHECK(whole_lines(folder.path / "metrics.csv") ==
          std::vector<std::string>{"update,\"a,b\",x", "1,7,1", "2,7,2", "3,8,30"});
}

TEST_CASE("csv_log: a run killed before its header was whole begins anew") {
    support::temporary_folder const folder;
    std::ofstream(folder.path / "metrics.csv") << "upd";
    trainer_state state{.update = 2, .output_dir = folder.path};
    csv_log log;
    log.on_train_begin(state);
    CHECK(whole_lines(folder.path / "metrics.csv") == std::vector<std::string>{"update"});
}
