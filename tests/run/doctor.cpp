// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <cmath>
#include <fstream>
#include <proximal/run/doctor.hpp>
#include <proximal/run/saved_state.hpp>

#include "../support/temporary_folder.hpp"

using namespace proximal::run;

namespace {
struct watched {
    support::temporary_folder folder;
    std::FILE* out = std::fopen((folder.path / "out").c_str(), "w");
    doctor watching{diagnosed_run{.steps_on_a_batch = 4}, out};
    trainer_state state{.output_dir = folder.path};

    ~watched() { std::fclose(out); }
    void ratio(double value) {
        ++state.update;
        metrics m;
        m.set("val/ratio", value);
        watching.on_log(state, m);
    }
    std::vector<std::string> said() const { return whole_lines(folder.path / "out"); }
    std::vector<std::string> findings() const { return whole_lines(folder.path / "findings.jsonl"); }
};
}  // namespace

TEST_CASE("doctor: a finding is a line on the terminal and one of JSON, once; again when it was away for long") {
    watched run;
    run.watching.on_train_begin(run.state);
    CHECK(std::filesystem::exists(run.folder.path / "findings.jsonl"));
    run.ratio(1.0);
    for (int i = 0; i < 30; ++i) run.ratio(3.0);
    REQUIRE(run.said().size() == 1);
    CHECK(run.said()[0] ==
          "doctor     update 2: val/ratio is 3: an update moves the policy too far; lower --learning_rate "
          "or --num_ppo_epochs");
    CHECK(run.findings()[0] ==
          R"({"update":2,"kind":"ratio","sentence":"val/ratio is 3: an update moves the policy too )"
          R"(far; lower --learning_rate or --num_ppo_epochs"})");
    for (int i = 0; i < 5; ++i) run.ratio(1.0);
    run.ratio(3.0);
    CHECK(run.watching.told() == 1);
    for (int i = 0; i < 25; ++i) run.ratio(1.0);
    run.ratio(3.0);
    CHECK(run.watching.told() == 2);
    CHECK(run.findings().size() == 2);
}

TEST_CASE("doctor: an evaluation without a score is told") {
    watched run;
    run.watching.on_train_begin(run.state);
    metrics measured;
    measured.set("eval/scores", 1.0);
    run.watching.on_evaluate(run.state, measured);
    CHECK(run.watching.told() == 0);
    measured.set("eval/scores", NAN);
    run.watching.on_evaluate(run.state, measured);
    REQUIRE(run.said().size() == 1);
    CHECK_THAT(run.said()[0], Catch::StartsWith("doctor     update 0: eval/scores is no number"));
}

TEST_CASE("doctor: a resumed run keeps what was found up to it, and does not say it again") {
    watched run;
    run.watching.on_train_begin(run.state);
    run.ratio(3.0);
    run.ratio(3.0);
    saved_state saved;
    state_writer writer(saved);
    run.watching.visit_state(writer);
    run.ratio(3.0);

    doctor resumed(diagnosed_run{.steps_on_a_batch = 4}, run.out);
    state_reader reader(saved);
    resumed.visit_state(reader);
    reader.finish();
    run.state.update = 2;
    resumed.on_train_begin(run.state);
    metrics m;
    m.set("val/ratio", 3.0);
    run.state.update = 3;
    resumed.on_log(run.state, m);
    CHECK(resumed.told() == 0);
    CHECK(run.findings().size() == 1);
}

TEST_CASE("doctor: steps driven by hand are watched too, without a file") {
    watched run;
    run.ratio(3.0);
    CHECK(run.watching.told() == 1);
    CHECK(run.findings().empty());
}
