// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <proximal/run/run_group.hpp>

using namespace proximal::run;

namespace {
recorded_run run_of(std::string const& name, nlohmann::ordered_json config,
                    std::map<std::int64_t, double> values = {}) {
    recorded_run run;
    run.folder = "/runs/" + name;
    run.config = std::move(config);
    run.metrics = {"x"};
    run.values["x"] = std::move(values);
    return run;
}
}  // namespace

TEST_CASE("group_runs: seeds together, named by what differs") {
    auto const groups = group_runs({run_of("a", {{"seed", 1}, {"kl_coef", 0.05}, {"exp_name", "ppo"}, {"lr", 1}}),
                                    run_of("b", {{"seed", 1}, {"kl_coef", 0.2}, {"exp_name", "rloo"}, {"lr", 1}}),
                                    run_of("c", {{"seed", 2}, {"kl_coef", 0.05}, {"exp_name", "ppo"}, {"lr", 1}})});
    REQUIRE(groups.size() == 2);
    CHECK(groups[0].runs.size() == 2);
    CHECK(groups[0].name == "ppo, kl_coef 0.05");
    CHECK(groups[1].name == "rloo, kl_coef 0.2");
    // Where a value came from is not what it is.
    CHECK(group_runs(
              {run_of("a", {{"seed", 1}, {"provenance", "flag"}}), run_of("b", {{"seed", 2}, {"provenance", "-"}})})
              .size() == 1);
}

TEST_CASE("group_runs: by the fields asked for; one group bears its field; an unknown field is refused") {
    std::vector<recorded_run> const runs{run_of("a", {{"kl_coef", 0.05}, {"exp_name", "ppo"}}),
                                         run_of("b", {{"kl_coef", 0.2}, {"exp_name", "ppo"}})};
    auto const groups = group_runs(runs, {"exp_name"});
    REQUIRE(groups.size() == 1);
    CHECK(groups[0].name == "ppo");
    CHECK_THROWS_WITH(group_runs(runs, {"foo"}), "--group_by foo: no run's config_ppo.json has that field");
}

TEST_CASE("group_runs: a run without a configuration stands alone, under its folder's name") {
    auto const groups =
        group_runs({run_of("a", nlohmann::ordered_json::object()), run_of("b", nlohmann::ordered_json::object())});
    REQUIRE(groups.size() == 2);
    CHECK(groups[0].name == "a");
    CHECK(groups[1].name == "b");
}

TEST_CASE("run_group: mean and band of one standard deviation; a run counts where it has a number") {
    run_group const group{
        "g",
        {run_of("a", {}, {{1, 1.0}, {2, 2.0}, {3, NAN}, {4, NAN}}), run_of("b", {}, {{1, 3.0}, {3, 5.0}, {4, NAN}})}};
    auto const c = group.over_episodes("x");
    CHECK(c.title == "g");
    CHECK(c.x == std::vector<double>{1, 2, 3, 4});
    CHECK(c.y[0] == 2.0);
    CHECK(c.high[0] == Approx(2.0 + std::sqrt(2.0)));
    CHECK(c.low[0] == Approx(2.0 - std::sqrt(2.0)));
    CHECK(c.y[1] == 3.0);  // b's 4 lies between its neighbours
    CHECK(c.y[2] == 5.0);
    CHECK(c.low[2] == 5.0);
    CHECK(std::isnan(c.y[3]));
    run_group const alone{"g", {group.runs[0]}};
    CHECK(alone.over_episodes("x").low.empty());
}
