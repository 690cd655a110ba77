// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <proximal/run/flags.hpp>
#include <proximal/run/plot_metrics.hpp>

using namespace proximal::run;

TEST_CASE("read_plot_command: folders before the flags, several words behind one are one with commas") {
    auto const command = read_plot_command({"a", "b", "--metrics", "x", "y,z", "--ncols=2", "--html", "h"});
    CHECK(command.folders == std::vector<std::string>{"a", "b"});
    CHECK(command.flags == std::vector<std::string>{"--metrics", "x,y,z", "--ncols=2", "--html", "h"});
    plot_options options;
    parse_flags(any_knobs(options), "", command.flags);
    CHECK(options.metrics == "x,y,z");
    CHECK(options.ncols == 2);
    CHECK(read_plot_command({"a", "--metrics=x", "y"}).flags == std::vector<std::string>{"--metrics=x,y"});
    CHECK(read_plot_command({}).folders.empty());
}

TEST_CASE("comma_separated") {
    CHECK(comma_separated("a, b,,c ") == std::vector<std::string>{"a", "b", "c"});
    CHECK(comma_separated("").empty());
}

TEST_CASE("picture_files: three of a name, one where it has an ending of theirs") {
    CHECK(picture_files("a/b.pdf") == std::vector<std::filesystem::path>{"a/b.pdf"});
    CHECK(picture_files("a/b.c") == std::vector<std::filesystem::path>{"a/b.c.png", "a/b.c.svg", "a/b.c.pdf"});
    for (char const* name : {"a.jpg", "b.eps", "c/d.webp"})
        CHECK_THROWS_WITH(picture_files(name), Catch::Contains(": figures are drawn as .png, .svg and .pdf"));
}

TEST_CASE("metrics_figure: a panel per metric, a curve per group; what no run measured is refused") {
    recorded_run run;
    run.folder = "/runs/a";
    run.metrics = {"objective/kl", "mine"};
    run.values = {{"objective/kl", {{1, 0.5}}}, {"mine", {{1, 2.0}}}};
    auto const groups = group_runs({run});
    auto const all = metrics_figure(groups, {}, {});
    REQUIRE(all.panels.size() == 1);
    CHECK(all.panels[0].title == "objective/kl");
    CHECK(all.panels[0].curves[0].y == std::vector<double>{0.5});
    CHECK(metrics_figure(groups, {"mine"}, {}).panels[0].title == "mine");
    CHECK_THROWS_WITH(metrics_figure(groups, {"objective/k"}, {}),
                      "no run measured objective/k: did you mean objective/kl?");
    CHECK_THROWS_WITH(metrics_figure(groups, {"foo/bar"}, {}),
                      "no run measured foo/bar; they measured mine, objective/kl");
}
