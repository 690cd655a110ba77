// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <proximal/run/interval_steps.hpp>
#include <proximal/run/learning_rate_schedule.hpp>
#include <proximal/run/ppo_config.hpp>
#include <proximal/run/saved_state.hpp>

using namespace proximal;
using namespace proximal::run;

namespace {
nlohmann::json recorded() { return nlohmann::json::parse(std::ifstream(PROXIMAL_TEST_DATA "/schedules/values.json")); }
Approx close_to(double x) { return Approx(x).epsilon(1e-15).margin(1e-16); }
}  // namespace

TEST_CASE("learning_rate_schedule: hand numbers") {
    auto const linear = schedule_by_name("linear", 4, 0);
    CHECK(linear(0) == 1.0);
    CHECK(linear(1) == 0.75);
    CHECK(linear(4) == 0.0);
    CHECK(linear(9) == 0.0);
    auto const warm = schedule_by_name("linear", 10, 2);
    CHECK(warm(0) == 0.0);
    CHECK(warm(1) == 0.5);
    CHECK(warm(2) == 1.0);
    CHECK(warm(6) == 0.5);
    CHECK(schedule_by_name("cosine", 4, 0)(2) == Approx(0.5));
    CHECK(schedule_by_name("constant", 4, 3)(0) == 1.0);
    CHECK(schedule_by_name("constant_with_warmup", 4, 2)(1) == 0.5);
    CHECK(schedule_by_name("constant_with_warmup", 4, 2)(3) == 1.0);
    CHECK_THROWS_WITH(schedule_by_name("lineer", 4, 0), Catch::Contains("choose linear, cosine"));
}

TEST_CASE("learning_rate_schedule: transformers' factors, update by update, for every schedule") {
    auto const values = recorded();
    std::set<std::string> names{"reduce_lr_on_plateau"};
    for (auto const& one : values["schedules"]) {
        auto const name = one["name"].get<std::string>();
        names.insert(name);
        auto const schedule =
            schedule_by_name(name, one["updates"], one["warmup"], one["kwargs"].dump(), values["learning_rate"]);
        CHECK_FALSE(schedule.needs_metric());
        for (std::size_t update = 0; update < one["factors"].size(); ++update) {
            INFO(name << one["kwargs"] << " at " << update);
            CHECK(schedule(static_cast<std::int64_t>(update)) == close_to(one["factors"][update].get<double>()));
        }
    }
    CHECK(names.size() == 10);
    PPOv2Config config;
    for (auto const& name : names) {  // and every name is one that the flag accepts
        config.lr_scheduler_type = name;
        config.eval_strategy = "steps";
        CHECK_NOTHROW(validate(config));
    }
}

TEST_CASE("reduce_lr_on_plateau: PyTorch's rates, metric by metric; saved in the middle it goes on the same") {
    auto const values = recorded();
    double const rate = values["learning_rate"];
    for (auto const& one : values["plateaus"]) {
        auto const make = [&] { return schedule_by_name("reduce_lr_on_plateau", 9, 5, one["kwargs"].dump(), rate); };
        auto whole = make(), resumed = make();
        REQUIRE(whole.needs_metric());
        CHECK(whole(0) == 1.0);
        for (std::size_t i = 0; i < values["metrics"].size(); ++i) {
            INFO(one["kwargs"] << " at " << i);
            whole.observe(values["metrics"][i]);
            resumed.observe(values["metrics"][i]);
            CHECK(rate * whole(0) == close_to(one["rates"][i].get<double>()));
            CHECK(resumed(0) == whole(0));
            saved_state state;
            state_writer writer(state);
            resumed.visit_state(writer);
            resumed = make();
            state_reader reader(state);
            resumed.visit_state(reader);
            reader.finish();
        }
    }
}

TEST_CASE("reduce_lr_on_plateau: a NaN is never better") {
    auto const schedule = schedule_by_name("reduce_lr_on_plateau", 9, 0, R"({"patience": 0})");
    schedule.observe(std::numeric_limits<double>::quiet_NaN());
    CHECK(schedule(0) == Approx(0.1));
}

TEST_CASE("learning_rate_schedule: further numbers are read strictly") {
    auto const with = [](char const* name, char const* kwargs, double rate = 1.0) {
        return schedule_by_name(name, 10, 2, kwargs, rate);
    };
    CHECK_THROWS_WITH(with("cosine", R"({"cycles": 2})"),
                      "--lr_scheduler_kwargs: cosine has no 'cycles': it has num_cycles");
    CHECK_THROWS_WITH(with("linear", R"({"power": 2})"), Catch::Contains("linear has no 'power': it has no further"));
    CHECK_THROWS_WITH(with("cosine_with_restarts", R"({"num_cycles": 1.5})"),
                      "--lr_scheduler_kwargs: num_cycles expects a whole number, not '1.5'");
    CHECK_THROWS_WITH(with("cosine", R"({"num_cycles": true})"), Catch::Contains("expects a number, not 'true'"));
    CHECK_THROWS_WITH(with("cosine", R"({"num_cycles": -1})"), Catch::Contains("num_cycles must be above 0"));
    CHECK_THROWS_WITH(with("cosine", "2"), Catch::Contains("2 is no JSON dictionary"));
    CHECK_THROWS_WITH(with("cosine", "{'num_cycles': 2}"), Catch::Contains("is no JSON dictionary"));
    CHECK_THROWS_WITH(with("cosine_with_min_lr", "{}"), Catch::Contains("needs min_lr or min_lr_rate"));
    CHECK_THROWS_WITH(with("cosine_with_min_lr", R"({"min_lr": 1, "min_lr_rate": 1})"), Catch::Contains("not both"));
    CHECK_THROWS_WITH(with("warmup_stable_decay", R"({"num_stable_steps": 3})"), Catch::Contains("num_decay_steps"));
    CHECK_THROWS_WITH(with("polynomial", R"({"lr_end": 1e-3})", 1e-4), Catch::Contains("below --learning_rate"));
    CHECK_THROWS_WITH(with("reduce_lr_on_plateau", R"({"mode": "less"})"),
                      Catch::Contains("mode must be one of min, max"));
    CHECK(with("polynomial", "{}", 1e-3)(9) > 0.0);
    CHECK(with("cosine", "None")(6) == with("cosine", "{}")(6));
    CHECK(with("cosine", R"({"num_cycles": "0.25"})")(6) == with("cosine", R"({"num_cycles": 0.25})")(6));
    CHECK(schedule_by_name("polynomial", 2, 2)(2) == 1e-7);  // no updates after the warm-up
}

TEST_CASE("interval_steps: below 1 a share of the run, rounded up") {
    CHECK(interval_steps(500, 10, "save_steps") == 500);
    CHECK(interval_steps(1, 10, "save_steps") == 1);
    CHECK(interval_steps(0.25, 10, "save_steps") == 3);
    CHECK(interval_steps(0.5, 10, "save_steps") == 5);
    CHECK(interval_steps(0.001, 10, "save_steps") == 1);
    CHECK_THROWS_WITH(interval_steps(1.5, 10, "save_steps"), Catch::StartsWith("--save_steps is 1.5: give a whole"));
    CHECK_THROWS(interval_steps(0, 10, "save_steps"));
    CHECK_THROWS(interval_steps(std::numeric_limits<double>::quiet_NaN(), 10, "save_steps"));
    CHECK_THROWS(interval_steps(std::numeric_limits<double>::infinity(), 10, "save_steps"));
}
