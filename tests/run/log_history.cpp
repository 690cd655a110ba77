// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <limits>
#include <proximal/run/log_history.hpp>

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
    CHECK(json["log_history"][0]["val/ratio_var"].is_null());
    CHECK(json["best_metric"] == 1.5);
    CHECK(json["best_model_checkpoint"] == "out/checkpoint-2");
    CHECK(trainer_state_json({}, {})["best_metric"].is_null());
    CHECK(log_history(json).points() == history.points());
    CHECK_THROWS(log_history(nlohmann::json{{"log_history", 3}}));
}
