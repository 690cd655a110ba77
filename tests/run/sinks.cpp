// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <proximal/run/sinks.hpp>

#include "../support/temporary_folder.hpp"

using namespace proximal::run;

namespace {
template <class Sink>
std::ptrdiff_t count_of(callback_list const& sinks) {
    return std::count_if(sinks.begin(), sinks.end(),
                         [](auto const& sink) { return dynamic_cast<Sink const*>(sink.get()) != nullptr; });
}
}  // namespace

TEST_CASE("sinks_named: metrics.jsonl and samples.jsonl always, the others by name") {
    for (char const* name : {"none", "jsonl", "tensorboard", "csv", "all", "csv, tensorboard,csv"}) {
        INFO(name);
        auto const sinks = sinks_named(name);
        std::string const said = name;
        CHECK(count_of<metrics_log>(sinks) == 1);
        CHECK(count_of<samples_log>(sinks) == 1);
        CHECK(count_of<tensorboard_log>(sinks) == (said.find("tensorboard") != said.npos || said == "all"));
        CHECK(count_of<csv_log>(sinks) == (said.find("csv") != said.npos || said == "all"));
    }
}

TEST_CASE("sinks_named: what is not written is answered with what to do") {
    for (std::string const name : {"wandb", "trackio", "mlflow"})
        CHECK_THROWS_WITH(sinks_named("tensorboard," + name),
                          "--report_to " + name +
                              " is not written directly: train, then scripts/import_run.py RUN --to " + name +
                              " replays the run through " + name + "'s own client");
    CHECK_THROWS_WITH(
        sinks_named("comet_ml"),
        "--report_to comet_ml is not written: read the files of --report_to tensorboard, or metrics.jsonl");
    CHECK_THROWS_WITH(sinks_named("tensorbord"), Catch::Contains("does not know 'tensorbord'"));
    CHECK_THROWS_WITH(sinks_named(""), Catch::Contains("does not know ''"));
    CHECK_THROWS_WITH(sinks_named("none,csv"), Catch::Contains("says none and more"));
    CHECK_THROWS_AS(sinks_named("wandb"), std::invalid_argument);
}

TEST_CASE("sinks: OUTPUT_DIR deleted or moved in mid-run is made again, and what follows is there, headers too") {
    for (bool const moved : {false, true}) {
        support::temporary_folder const folder;
        trainer_state state{.updates = 3, .output_dir = folder.path / "run"};
        std::filesystem::create_directories(state.output_dir);
        auto const sinks = sinks_named("all");
        for (auto const& sink : sinks) sink->on_train_begin(state);
        metrics numbers;
        numbers.set("loss", 1.0);
        state.update = 1;
        for (auto const& sink : sinks) sink->on_log(state, numbers);
        if (moved) std::filesystem::rename(state.output_dir, folder.path / "elsewhere");
        else std::filesystem::remove_all(state.output_dir);
        state.update = 2;
        for (auto const& sink : sinks) sink->on_log(state, numbers);
        numbers.set("late", 2.0);  // a column that the table had not
        state.update = 3;
        for (auto const& sink : sinks) sink->on_log(state, numbers);
        CHECK(whole_lines(state.output_dir / "metrics.jsonl").size() == 2);
        CHECK(whole_lines(state.output_dir / "metrics.csv") ==
              std::vector<std::string>{"update,loss,late", "2,1,", "3,1,2"});
        std::size_t events = 0;
        for (auto const& entry : std::filesystem::recursive_directory_iterator(state.output_dir))
            if (entry.path().filename().string().starts_with("events.")) {
                std::ifstream in(entry.path(), std::ios::binary);
                std::string const file(std::istreambuf_iterator<char>(in), {});
                events += tf_records(file).size();
            }
        CHECK(events == 3);  // the version, and two updates
    }
}
