// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <fstream>
#include <iterator>
#include <limits>
#include <proximal/run/log_history.hpp>
#include <proximal/run/sinks.hpp>

#include "../support/temporary_folder.hpp"

using namespace proximal::run;

TEST_CASE("log_history: points in their order, NaN as null, and back from a trainer_state.json") {
    trainer_state state;
    log_history history;
    metrics logged;
    logged.set("objective/kl", 0.5);
    logged.set("val/ratio_var", std::numeric_limits<double>::quiet_NaN());
    for (state.update = 1; state.update <= 2; ++state.update) history.add(state, logged);
    state.best_metric = 1.5;
    state.best_model_checkpoint = "out/checkpoint-2";
    auto const json = trainer_state_json(state, history);
    CHECK(json["log_history"][1]["step"] == 2);
    CHECK(json["log_history"][0]["objective/kl"] == 0.5);
    CHECK(json["log_history"][0].dump() == R"({"step":1,"objective/kl":0.5,"val/ratio_var":null})");  // as measured
    CHECK(json["log_history"][0]["val/ratio_var"].is_null());
    CHECK(json["best_metric"] == 1.5);
    CHECK(json["best_model_checkpoint"] == "out/checkpoint-2");
    CHECK(trainer_state_json({}, {})["best_metric"].is_null());
    CHECK(log_history(json).points() == history.points());
    for (auto const* wrong : {R"({"log_history": 3})", R"({"log_history": [1]})", R"({"log_history": [{"x": 1}]})"})
        CHECK_THROWS_WITH(log_history(nlohmann::ordered_json::parse(wrong)),
                          Catch::Contains("holds no list of points"));
    CHECK(log_history(nlohmann::ordered_json::object()).points().empty());
}

namespace {
/// A run's checkpoint after two of four updates, with an evaluation before the first and after the second. A point of
/// the third stands in it too.
std::filesystem::path checkpoint_in(std::filesystem::path const& folder) {
    trainer_state state{.updates = 4};
    log_history history;
    metrics logged, measured;
    measured.set("eval/scores", 0.25);
    history.add(state, measured);
    for (state.update = 1; state.update <= 3; ++state.update) {
        logged.set("objective/kl", 0.5 / static_cast<double>(state.update));
        logged.set("episode", static_cast<double>(8 * state.update));
        logged.set("a", std::numeric_limits<double>::quiet_NaN());
        history.add(state, logged);
        if (state.update == 2) history.add(state, measured);
    }
    auto const checkpoint = folder / "checkpoint-2";
    std::filesystem::create_directories(checkpoint);
    std::ofstream(checkpoint / "trainer_state.json") << trainer_state_json(state, history).dump(2);
    return checkpoint;
}
}  // namespace

TEST_CASE(
    "logs: a run resumed into another folder begins its logs with what was logged before, in its own folder not "
    "twice") {
    support::temporary_folder const folder;
    auto const from = checkpoint_in(folder.path / "old");
    trainer_state state{
        .update = 2, .updates = 4, .episode = 16, .output_dir = folder.path / "new", .resumed_from = from};
    std::filesystem::create_directories(state.output_dir);
    metrics logged;
    logged.set("objective/kl", 7.0);
    auto const go_on = [&] {
        auto const sinks = sinks_named("all");
        for (auto const& sink : sinks) sink->on_train_begin(state);
        state.update = 3, state.episode = 24;
        for (auto const& sink : sinks) sink->on_log(state, logged);
        state.update = 2, state.episode = 16;
    };
    std::vector<std::string> const lines{R"({"update":0,"eval/scores":0.25})",
                                         R"({"update":1,"objective/kl":0.5,"episode":8,"a":null})",
                                         R"({"update":2,"objective/kl":0.25,"episode":16,"a":null})",
                                         R"({"update":2,"eval/scores":0.25})", R"({"update":3,"objective/kl":7})"};
    for (int time = 0; time < 2; ++time) {  // the second time in the folder that the first made
        INFO("time " << time);
        go_on();
        CHECK(whole_lines(state.output_dir / "metrics.jsonl") == lines);
        CHECK(whole_lines(state.output_dir / "metrics.csv") ==
              std::vector<std::string>{"update,eval/scores,objective/kl,episode,a", "0,0.25,,,", "1,,0.5,8,nan",
                                       "2,,0.25,16,nan", "2,0.25,,,", "3,,7,,"});
        std::vector<std::int64_t> steps;
        for (auto const& entry : std::filesystem::directory_iterator(state.output_dir / "runs")) {
            std::ifstream in(entry.path(), std::ios::binary);
            std::string const bytes(std::istreambuf_iterator<char>(in), {});
            for (auto const event : tf_records(bytes)) steps.push_back(*proximal::run::detail::event_step(event));
        }
        CHECK(steps == std::vector<std::int64_t>{0, 0, 8, 16, 16, 24});  // the first is the file's version
    }
    state.resumed_from.clear();
    CHECK(earlier_points(state).empty());
    state.resumed_from = folder.path;  // of a checkpoint that keeps no history nothing is known
    CHECK(earlier_points(state).empty());
    std::ofstream(folder.path / "trainer_state.json") << "{\"log_history\": 1}";
    CHECK_THROWS_WITH(earlier_points(state), Catch::Contains("trainer_state.json is damaged"));
}
