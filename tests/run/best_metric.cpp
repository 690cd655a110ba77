// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <proximal/run/best_metric.hpp>
#include <proximal/run/ppo_config.hpp>

using namespace proximal::run;

TEST_CASE("watched_metric: with or without its prefix; losses and kl fall, all else rises") {
    PPOv2Config config;
    CHECK(watched_metric(config).name == "eval/scores");
    CHECK(watched_metric(config).greater_is_better);
    for (char const* name : {"kl", "eval/kl", "eval_kl"}) {
        config.metric_for_best_model = name;
        CHECK(watched_metric(config).name == "eval/kl");
        CHECK_FALSE(watched_metric(config).greater_is_better);
    }
    metrics measured;
    measured.set("eval/scores", 1.0);
    CHECK(watched_metric(config).find(measured) == nullptr);
}

TEST_CASE("best_model: an evaluation of this update that is better than the best saved one; asked for, or never") {
    PPOv2Config config;
    metrics measured;
    measured.set("eval/scores", 2.0);
    trainer_state state;
    state.update = 3;
    best_model unasked(config);
    unasked.saw(state, measured);
    CHECK_FALSE(unasked.better_at(state).has_value());
    config.load_best_model_at_end = true;
    best_model best(config);
    CHECK_NOTHROW(best.check({"eval/scores", "eval/kl"}));
    CHECK_NOTHROW(best.check({}));
    CHECK_NOTHROW(unasked.check({"eval/kl"}));
    CHECK_THROWS_WITH(best.check({"eval/kl", "eval/rewards/"}),
                      "--metric_for_best_model: an evaluation measures no "
                      "eval/scores; it measures eval/kl, eval/rewards/NAME");
    auto by_part = config;
    by_part.metric_for_best_model = "rewards/polite";
    CHECK_NOTHROW(best_model(by_part).check({"eval/kl", "eval/rewards/"}));
    CHECK_FALSE(best.better_at(state).has_value());  // nothing was evaluated
    best.saw(state, measured);
    CHECK(best.better_at(state) == 2.0);
    state.best_metric = 2.5;
    CHECK_FALSE(best.better_at(state).has_value());
    state.best_metric = 1.5;
    CHECK(best.better_at(state) == 2.0);
    metrics other;
    other.set("eval/kl", 1.0);
    CHECK_THROWS_WITH(best.saw(state, other), Catch::Contains("measures no eval/scores; it measures eval/kl"));
    ++state.update;  // of an earlier update
    CHECK_FALSE(best.better_at(state).has_value());
}
