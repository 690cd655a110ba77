// SPDX-License-Identifier: Apache-2.0
//
// Draws the metrics of runs as PNG, SVG and PDF: a curve per group of runs that are told the same but for their seed,
// the mean with a band of one standard deviation. The flags are those of openrlbenchmark's rlops_multi_metrics.
//
//     plot_metrics RUN... --metrics objective/kl objective/scores --ncols 4 --output_filename figures/kl
#include <fmt/format.h>

#include <filesystem>
#include <proximal/io/atomic_file.hpp>
#include <proximal/run/flags.hpp>
#include <proximal/run/plot_metrics.hpp>
#include <proximal/run/program.hpp>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace proximal;

namespace {
void prepare(std::filesystem::path const& file) {
    if (!file.parent_path().empty()) std::filesystem::create_directories(file.parent_path());
}
}  // namespace

int main(int argc, char** argv) {
    return run::run_main("plot_metrics", argc, argv, [](std::vector<std::string> const& arguments) {
        run::plot_options options;
        auto const command = run::read_plot_command(arguments);
        auto const given = run::parse_flags(run::any_knobs(options),
                                            "plot_metrics RUN... [flags]: draws the metrics of runs, which are folders "
                                            "that ppo wrote.",
                                            command.flags);
        if (!given) return 0;
        if (command.folders.empty())
            throw std::invalid_argument("no run is named: plot_metrics RUN... [flags], the folders before the flags");
        std::vector<run::recorded_run> runs;
        for (auto const& folder : command.folders) runs.push_back(run::read_run(folder));
        auto const groups = run::group_runs(std::move(runs), run::comma_separated(options.group_by));
        for (auto const& group : groups)
            fmt::print("{}: {} {}\n", group.name, group.runs.size(), group.runs.size() == 1 ? "run" : "runs");

        if (options.html.empty() || given->contains("output_filename")) {
            auto const figure = run::metrics_figure(groups, run::comma_separated(options.metrics), options);
            for (auto const& file : run::picture_files(options.output_filename)) {
                prepare(file);
                if (!run::draw_figure(figure, file))
                    throw std::runtime_error(
                        file.string() + " was not drawn: is gnuplot installed, the folder writable, room on the disk?");
                fmt::print("{}\n", file.string());
            }
        }
        if (!options.html.empty()) {
            prepare(options.html);
            io::write_file(options.html, run::run_report(groups));
            fmt::print("{}\n", options.html);
        }
        return 0;
    });
}
