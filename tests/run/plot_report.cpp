// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <proximal/run/plot_report.hpp>

#include "../support/temporary_folder.hpp"

using namespace proximal;
using namespace proximal::run;

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

TEST_CASE("plot_report: a resumed run's picture begins where the run began") {
    support::temporary_folder const folder;
    std::ofstream(folder.path / "metrics.jsonl") << R"({"update":1,"objective/kl":0.5,"episode":8})"
                                                    "\n"
                                                 << R"({"update":2,"objective/kl":null,"episode":16})"
                                                    "\n"
                                                 << R"({"update":2,"eval/scores":1})"
                                                    "\n"
                                                 << R"({"update":3,"objective/kl":9,"episode":24})"
                                                    "\n";
    trainer_state state{.update = 2, .episode = 16, .output_dir = folder.path};
    plot_report plot;
    plot.on_train_begin(state);
    state.update = 3;
    state.episode = 24;
    metrics numbers;
    numbers.set("objective/kl", 1.5);
    plot.on_log(state, numbers);
    auto const& kl = *std::find_if(plot.curves().begin(), plot.curves().end(),
                                   [](curve const& c) { return c.title == "objective/kl"; });
    CHECK(kl.x == std::vector<double>{8, 16, 24});
    CHECK(kl.y[0] == 0.5);
    CHECK(std::isnan(kl.y[1]));
    CHECK(kl.y[2] == 1.5);
}
