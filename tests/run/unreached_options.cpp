// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <proximal/run/sft_config.hpp>
#include <proximal/run/stock_listeners.hpp>
#include <proximal/run/unreached_options.hpp>

using namespace proximal::run;

namespace {
std::vector<std::string> told(auto const& change, std::int64_t updates = 100) {
    PPOv2Config config;
    change(config);
    return unreached_options(config, updates);
}
using notes = std::vector<std::string>;
}  // namespace

TEST_CASE("unreached_options: a warm-up as long as the run never reaches the rate") {
    CHECK(told([](auto&) {}).empty());
    CHECK(told([](auto& c) { c.warmup_steps = 99; }).empty());  // the last update has the whole rate
    CHECK(
        told([](auto& c) { c.warmup_steps = 500; }) ==
        notes{
            "--warmup_steps lets the learning rate rise over 500 updates and the run has 100: it never reaches 5e-05"});
    CHECK(told([](auto& c) { c.warmup_steps = 100; }).size() == 1);
    CHECK(told([](auto& c) { c.warmup_ratio = 0.99; }).empty());
    CHECK(
        told([](auto& c) { c.warmup_ratio = 1.0; }) ==
        notes{
            "--warmup_ratio lets the learning rate rise over 100 updates and the run has 100: it never reaches 5e-05"});
    CHECK(told([](auto& c) { c.warmup_ratio = 0.5; }, 1).size() == 1);  // of one update the half is the whole
    CHECK(told([](auto& c) { c.warmup_steps = 500, c.lr_scheduler_type = "constant"; }).empty());  // has none
}

TEST_CASE("unreached_options: logs, checkpoints and evaluations beyond the run will not happen") {
    CHECK(told([](auto& c) { c.logging_steps = 100; }).empty());
    CHECK(told([](auto& c) { c.logging_steps = 0.7; }).empty());
    CHECK(told([](auto& c) { c.logging_steps = 101; }) ==
          notes{"--logging_steps 101 is beyond the run's 100 updates: no update is logged"});
    CHECK(told([](auto& c) { c.logging_steps = 101, c.logging_first_step = true; }) ==
          notes{"--logging_steps 101 is beyond the run's 100 updates: the first update alone is logged"});
    CHECK(told([](auto& c) { c.logging_steps = 101, c.logging_strategy = "epoch"; }).empty());
    CHECK(told([](auto& c) { c.save_steps = 600; }) ==
          notes{"--save_steps 600 is beyond the run's 100 updates: the only checkpoint is the last one"});
    CHECK(told([](auto& c) { c.save_steps = 600, c.save_strategy = "no"; }).empty());
    CHECK(told([](auto& c) { c.eval_strategy = "steps"; }) ==  // by default every 500
          notes{"--eval_steps 500 is beyond the run's 100 updates: there is no evaluation"});
    CHECK(told([](auto& c) { c.eval_strategy = "steps", c.eval_steps = 200, c.eval_on_start = true; }) ==
          notes{"--eval_steps 200 is beyond the run's 100 updates: there is one evaluation, at the start"});
    CHECK(told([](auto& c) { c.eval_strategy = "steps", c.eval_steps = 30, c.eval_delay = 90; }).empty());
    CHECK(
        told([](auto& c) { c.eval_strategy = "steps", c.eval_steps = 30, c.eval_delay = 91; }) ==
        notes{
            "--eval_delay 91 puts off the first evaluation to update 120 and the run has 100: there is no evaluation"});
    CHECK(told([](auto& c) { c.torch_empty_cache_steps = 101; }) ==
          notes{"--torch_empty_cache_steps 101 is beyond the run's 100 updates: the cache is never released"});
    CHECK(unreached_options(SFTConfig(), 3).empty());
}

TEST_CASE("unreached_options: every program's listeners tell them, before the progress") {
    auto const listeners = training_listeners(SFTConfig(), {"loss"});
    auto const at = [&]<class Listener>(Listener const*) {
        return std::find_if(listeners.begin(), listeners.end(), [](auto const& listener) {
            return dynamic_cast<Listener const*>(listener.get()) != nullptr;
        });
    };
    auto const notes_at = at(static_cast<unreached_notes const*>(nullptr));
    REQUIRE(notes_at != listeners.end());
    CHECK(notes_at < at(static_cast<terminal_report const*>(nullptr)));
}
