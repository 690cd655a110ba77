// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <limits>
#include <proximal/run/reports.hpp>

#include "../support/temporary_folder.hpp"

using namespace proximal;
using namespace proximal::run;

TEST_CASE("metrics_log: a JSON object a line, NaN as null, whole numbers whole") {
    support::temporary_folder const folder;
    trainer_state state{.update = 3, .output_dir = folder.path};
    metrics numbers;
    numbers.set("objective/kl", 0.25);
    numbers.set("val/ratio_var", std::numeric_limits<double>::quiet_NaN());
    numbers.set("episode", 64);
    {
        metrics_log log;
        log.on_train_begin(state);
        log.on_log(state, numbers);
    }
    std::ifstream in(folder.path / "metrics.jsonl");
    std::string line;
    std::getline(in, line);
    CHECK(line == R"({"update":3,"objective/kl":0.25,"val/ratio_var":null,"episode":64})");
}

TEST_CASE("clock_text") {
    CHECK(clock_text(62) == "01:02");
    CHECK(clock_text(3725.4) == "1:02:05");
}

TEST_CASE("plot_report: a picture of more than one point, where gnuplot is installed") {
    support::temporary_folder const folder;
    trainer_state state{.output_dir = folder.path};
    plot_report plot;
    for (state.episode = 1; state.episode <= 3; ++state.episode) {
        metrics numbers;
        numbers.set("objective/rlhf_reward", 0.5 * static_cast<double>(state.episode));
        plot.on_log(state, numbers);
    }
    plot.on_train_end(state);
    if (run_gnuplot("set terminal pngcairo\n")) {
        CHECK(plot.drawn());
        CHECK(std::filesystem::file_size(folder.path / "metrics.png") > 1000);
    } else {
        CHECK_FALSE(plot.drawn());
        WARN("gnuplot is missing: the picture was not drawn");
    }
}
