// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <functional>
#include <proximal/run/default_flow.hpp>
#include <proximal/run/ppo_config.hpp>
#include <vector>

using namespace proximal::run;

namespace {
using updates_list = std::vector<std::int64_t>;

/// The updates of a run of 10 after which something is asked for; a data epoch ends after 4 and 8.
updates_list asked(PPOv2Config const& config, bool trainer_state::*request) {
    default_flow flow(config);
    updates_list at;
    trainer_state state;
    state.updates = 10;
    for (state.update = 1; state.update <= 10; ++state.update) {
        state.epoch = static_cast<double>(state.update) / 4.0;
        flow.on_step_end(state);
        if (state.update % 4 == 0) flow.on_epoch_end(state);
        if (state.*request) at.push_back(state.update);
        state.should_log = state.should_evaluate = state.should_save = false;
    }
    return at;
}
updates_list const all{1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
}  // namespace

TEST_CASE("default_flow: by default every update is logged, nothing evaluated, the end saved") {
    CHECK(asked({}, &trainer_state::should_log) == all);
    CHECK(asked({}, &trainer_state::should_evaluate).empty());
    CHECK(asked({}, &trainer_state::should_save) == updates_list{10});
}

TEST_CASE("default_flow: steps, epochs, shares of the run, first steps and delays") {
    PPOv2Config config;
    SECTION("logging") {
        config.logging_steps = 4;
        CHECK(asked(config, &trainer_state::should_log) == updates_list{4, 8});
        config.logging_first_step = true;
        CHECK(asked(config, &trainer_state::should_log) == updates_list{1, 4, 8});
        config.logging_strategy = "epoch";
        CHECK(asked(config, &trainer_state::should_log) == updates_list{1, 4, 8});
        config.logging_strategy = "no", config.logging_first_step = false;
        CHECK(asked(config, &trainer_state::should_log).empty());
    }
    SECTION("evaluation") {
        config.eval_strategy = "steps";
        config.eval_steps = 0.25;  // of 10, rounded up
        CHECK(asked(config, &trainer_state::should_evaluate) == updates_list{3, 6, 9});
        config.eval_delay = 5;
        CHECK(asked(config, &trainer_state::should_evaluate) == updates_list{6, 9});
        config.eval_strategy = "epoch", config.eval_delay = 1.5;
        CHECK(asked(config, &trainer_state::should_evaluate) == updates_list{8});
    }
    SECTION("saving") {
        config.save_steps = 3;
        CHECK(asked(config, &trainer_state::should_save) == updates_list{3, 6, 9, 10});
        config.save_strategy = "epoch";
        CHECK(asked(config, &trainer_state::should_save) == updates_list{4, 8, 10});
        config.save_strategy = "no";
        CHECK(asked(config, &trainer_state::should_save).empty());
    }
}
