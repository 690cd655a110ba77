// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <fstream>
#include <proximal/run/run_report.hpp>

#include "../support/temporary_folder.hpp"

using namespace proximal::run;

namespace {
nlohmann::ordered_json data_of(std::string const& page) {
    std::string const begin = "<script type=\"application/json\" id=\"data\">";
    auto const at = page.find(begin) + begin.size();
    return nlohmann::ordered_json::parse(page.substr(at, page.find("</script>", at) - at));
}
recorded_run tiny_run() {
    recorded_run run;
    run.folder = "/runs/<tiny>";
    run.config = {{"exp_name", "a <b>"}, {"algorithm", "ppo"}, {"kl_coef", 0.05}, {"stop_token", nullptr}};
    run.metrics = {"grad_norm", "objective/kl", "time/generate", "time/update", "episode"};
    for (std::int64_t update = 1; update <= 3; ++update) {
        run.values["episode"][update] = static_cast<double>(8 * update);
        run.values["objective/kl"][update] = update == 2 ? NAN : 0.5;
        run.values["grad_norm"][update] = 1.0;
        run.values["time/generate"][update] = 1.0;
        run.values["time/update"][update] = 3.0;
    }
    run.samples = {{{"update", 1}, {"episode", 8}, {"query", "</script>"}, {"response", "r"}, {"score", nullptr}},
                   {{"update", 3}, {"episode", 24}, {"query", "q"}, {"response", "r"}, {"score", 1.5}}};
    run.findings = {{{"update", 2}, {"kind", "not finite"}, {"sentence", "<img onerror=x>"}}};
    return run;
}
}  // namespace

TEST_CASE("run_report: what the page draws is what the run wrote") {
    auto const page = run_report(group_runs({tiny_run()}), "samples.html");
    auto const data = data_of(page);
    REQUIRE(data["metrics"].size() == 4);
    CHECK(data["metrics"][0]["name"] == "objective/kl");
    CHECK(data["metrics"][0]["trl"] == true);
    CHECK(data["metrics"][0]["series"][0].dump() == R"({"x":[8,16,24],"y":[0.5,null,0.5]})");
    CHECK(data["metrics"][1]["name"] == "grad_norm");
    CHECK(data["metrics"][1]["trl"] == false);
    CHECK(data["phases"][0]["updates"] == 3);
    CHECK(data["phases"][0]["parts"].dump() ==
          R"([{"name":"generate","seconds":3.0},{"name":"update","seconds":9.0}])");
    CHECK(data["samples"].size() == 2);
    CHECK(data["samples"][0]["rows"][0]["query"] == "</script>");
    CHECK(data["findings"][0]["sentence"] == "<img onerror=x>");
    CHECK(data["config"]["rows"].size() == 4);
    CHECK(data["page"] == "samples.html");
}

TEST_CASE("run_report: no text of a run is markup, nothing is asked of the network") {
    auto const page = run_report(group_runs({tiny_run()}));
    CHECK(page.find("<img") == std::string::npos);
    CHECK(page.find("<tiny>") == std::string::npos);
    CHECK(page.find("<b>8") == std::string::npos);
    CHECK(page.find("<h1>a &lt;b&gt;</h1>") != std::string::npos);
    CHECK(page.find("src=") == std::string::npos);
    CHECK(page.find("@import") == std::string::npos);
    std::size_t closed = 0;
    for (std::size_t at = 0; (at = page.find("</script>", at)) != std::string::npos; ++at) ++closed;
    CHECK(closed == 2);
}

TEST_CASE("run_report: seeds of one configuration are a mean with a band, other configurations other curves") {
    auto first = tiny_run(), second = tiny_run(), other = tiny_run();
    second.values["objective/kl"][1] = 1.5;
    other.config["kl_coef"] = 0.2;
    other.values.erase("grad_norm");
    auto const data = data_of(run_report(group_runs({first, second, other})));
    CHECK(data["groups"].size() == 2);
    auto const& kl = data["metrics"][0]["series"];
    CHECK(kl[0]["y"][0] == 1.0);
    CHECK(kl[0]["hi"][0].get<double>() == Approx(1.0 + std::sqrt(0.5)).epsilon(1e-4));
    CHECK_FALSE(kl[1].contains("hi"));
    CHECK(data["metrics"][1]["series"][1].is_null());
    bool differs = false;
    for (auto const& row : data["config"]["rows"])
        if (row["differs"]) differs = row["key"] == "kl_coef" && !std::exchange(differs, true);
    CHECK(differs);
}

TEST_CASE("run_report: long runs are thinned to what a screen shows, as means of neighbours") {
    curve c{"x", {}, {}};
    for (int i = 0; i < 2500; ++i) c.x.push_back(i), c.y.push_back(i == 4 ? NAN : 2.0);
    auto const drawn = proximal::run::detail::drawn(c);
    CHECK(drawn["x"].size() == 834);
    CHECK(drawn["x"][0] == 1.0);
    CHECK(drawn["y"][1] == 2.0);
}

TEST_CASE("run_report: of many tables of samples the first, the last and some between") {
    recorded_run run = tiny_run();
    run.samples.clear();
    for (int update = 1; update <= 100; ++update) run.samples.push_back({{"update", update}, {"query", "q"}});
    auto tables = nlohmann::ordered_json::array();
    proximal::run::detail::add_samples(tables, run, 5);
    REQUIRE(tables.size() == 5);
    CHECK(tables.front()["update"] == 1);
    CHECK(tables.back()["update"] == 100);
}
