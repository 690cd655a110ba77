// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <proximal/knob.hpp>
#include <proximal/run/edit_distance.hpp>
#include <proximal/run/plot.hpp>
#include <proximal/run/recorded_run.hpp>
#include <proximal/run/run_group.hpp>
#include <proximal/run/run_report.hpp>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace proximal::run {

/// What the program plot_metrics is told, beside the runs' folders.
struct plot_options {
    std::string metrics;
    std::string group_by;
    std::int64_t ncols = 4;
    std::int64_t ncols_legend = 1;
    std::string xlabel = "Episode";
    std::string title;
    std::string output_filename = "metrics";
    std::string html;

    static constexpr auto knobs = reflect(
        knob<"metrics">(&plot_options::metrics, "names with commas or spaces; default: TRL's that were measured"),
        knob<"group_by">(&plot_options::group_by,
                         "fields of config_ppo.json; default: all but seed, run_name, output_dir"),
        knob<"ncols">(&plot_options::ncols, "panels in a row", at_least(1)),
        knob<"ncols_legend">(&plot_options::ncols_legend, "columns of the legend", at_least(1)),
        knob<"xlabel">(&plot_options::xlabel, "below each panel"),
        knob<"title">(&plot_options::title, "over the figure"),
        knob<"output_filename">(&plot_options::output_filename,
                                "writes NAME.png, NAME.svg and NAME.pdf; with one of these endings that one"),
        knob<"html">(&plot_options::html,
                     "writes the runs' report, one HTML file; then pictures only if output_filename is given"));
};

/// The parts of a text between commas, without spaces around them.
inline std::vector<std::string> comma_separated(std::string_view text) {
    std::vector<std::string> parts;
    for (std::size_t at = 0; at <= text.size();) {
        auto const end = std::min(text.find(',', at), text.size());
        auto part = text.substr(at, end - at);
        while (part.starts_with(' ')) part.remove_prefix(1);
        while (part.ends_with(' ')) part.remove_suffix(1);
        if (!part.empty()) parts.emplace_back(part);
        at = end + 1;
    }
    return parts;
}

/// A command line of folders and flags, as parse_flags reads it: words before the first flag are folders, several words
/// behind a flag are one with commas.
struct plot_command {
    std::vector<std::string> folders, flags;
};
inline plot_command read_plot_command(std::vector<std::string> const& arguments) {
    plot_command command;
    bool has_value = false;
    for (auto const& word : arguments) {
        bool const is_flag = word.starts_with("-") && word.size() > 1;
        if (command.flags.empty() && !is_flag) command.folders.push_back(word);
        else if (is_flag || !has_value) command.flags.push_back(word);
        else command.flags.back() += "," + word;
        has_value = is_flag ? word.find('=') != std::string::npos : !command.flags.empty();
    }
    return command;
}

/// A panel per metric, a curve per group: the mean over its runs, with a band where there are several. No names: those
/// of TRL's 17 that any run measured. Throws std::invalid_argument for a metric that none did.
inline figure metrics_figure(std::vector<run_group> const& groups, std::vector<std::string> names,
                             plot_options const& options) {
    std::set<std::string> measured;
    for (auto const& group : groups)
        for (auto const& run : group.runs) measured.insert(run.metrics.begin(), run.metrics.end());
    if (names.empty())
        for (auto const& [name, about] : trl_metric_names)
            if (measured.contains(std::string(name))) names.emplace_back(name);
    figure drawn{
        options.title, options.xlabel, {}, static_cast<int>(options.ncols), static_cast<int>(options.ncols_legend)};
    for (auto const& name : names) {
        if (!measured.contains(name)) {
            std::string near, all;
            for (auto const& one : measured) {
                if (edit_distance(one, name) <= 2) near = one;
                all += (all.empty() ? "" : ", ") + one;
            }
            throw std::invalid_argument("no run measured " + name +
                                        (near.empty() ? "; they measured " + all : ": did you mean " + near + "?"));
        }
        panel one{name, {}};
        for (auto const& group : groups) one.curves.push_back(group.over_episodes(name));
        drawn.panels.push_back(std::move(one));
    }
    return drawn;
}

/// The files that an --output_filename means. Throws std::invalid_argument for a format that is not drawn.
inline std::vector<std::filesystem::path> picture_files(std::filesystem::path const& name) {
    for (char const* ending : {".png", ".svg", ".pdf"})
        if (name.extension() == ending) return {name};
    for (char const* ending : {".jpg", ".jpeg", ".gif", ".eps", ".ps", ".webp", ".bmp", ".tif", ".tiff"})
        if (name.extension() == ending)
            throw std::invalid_argument("--output_filename " + name.string() +
                                        ": figures are drawn as .png, .svg and .pdf; end it with one of them, or with "
                                        "none for all three");
    std::vector<std::filesystem::path> files;
    for (char const* ending : {".png", ".svg", ".pdf"}) files.push_back(std::filesystem::path(name).concat(ending));
    return files;
}

}  // namespace proximal::run
