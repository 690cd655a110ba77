// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <proximal/io/no_sigpipe.hpp>
#include <string>
#include <system_error>
#include <vector>

namespace proximal::run {

/// One curve of a figure: y over x, and around it a band from `low` to `high` where these are not empty.
struct curve {
    std::string title;
    std::vector<double> x, y;
    std::vector<double> low{}, high{};
};

/// Curves in one frame.
struct panel {
    std::string title;
    std::vector<curve> curves;
};

/// Panels in rows of `columns`, over a legend of the first panel's curves where any panel has several.
struct figure {
    std::string title;
    std::string x_label;
    std::vector<panel> panels;
    int columns = 3;
    int legend_columns = 1;
};

/// A text as gnuplot reads it between single quotes.
inline std::string gnuplot_quoted(std::string const& text) {
    std::string quoted = "'";
    for (char c : text) quoted += c == '\'' ? std::string("''") : std::string(1, c);
    return quoted + "'";
}

/// Feeds a script to gnuplot. False where it is missing or fails; the picture is an extra, never a reason to stop.
inline bool run_gnuplot(std::string const& script) {
    io::no_sigpipe const quiet;  // a gnuplot that is missing, or stops early, does not read it all
    std::FILE* const gnuplot = ::popen("gnuplot 2>/dev/null", "w");
    if (gnuplot == nullptr) return false;
    bool const written = std::fwrite(script.data(), 1, script.size(), gnuplot) == script.size();
    return ::pclose(gnuplot) == 0 && written;
}

/// A curve as a named block of gnuplot's, a row "x y [low high]" a point; a NaN is a gap.
inline std::string gnuplot_data(std::string const& name, curve const& c) {
    std::string text = "$" + name + " << EOD\n";
    for (std::size_t i = 0; i < c.x.size(); ++i) {
        if (!std::isfinite(c.y[i])) text += '\n';
        else if (c.low.empty()) text += fmt::format("{} {}\n", c.x[i], c.y[i]);
        else text += fmt::format("{} {} {} {}\n", c.x[i], c.y[i], c.low[i], c.high[i]);
    }
    return text + "EOD\n";
}

namespace detail {
// told apart also by readers who see no red and green (Okabe and Ito's, darkened for lines on white)
inline constexpr std::array<char const*, 8> line_colours{"#1f6feb", "#d55e00", "#008f6b", "#b0548a",
                                                         "#8a6d00", "#3a9bdc", "#5b5b5b", "#7048c6"};

/// The gnuplot terminal for a file, by its ending.
inline std::string gnuplot_terminal(std::filesystem::path const& file, int width, int height) {
    if (file.extension() == ".svg")
        return fmt::format("svg size {},{} dynamic background '#ffffff' font 'sans,13'", width, height);
    if (file.extension() == ".pdf")
        return fmt::format("pdfcairo size {:.2f},{:.2f} font 'sans,11'", width / 80.0, height / 80.0);
    return fmt::format("pngcairo size {},{} font 'sans,11'", width, height);
}

/// A count on an axis: "750", "1.5k", "20M".
inline std::string axis_label(double value) {
    if (std::abs(value) >= 1e6) return fmt::format("{:.6g}M", value / 1e6);
    return std::abs(value) >= 1e4 ? fmt::format("{:.6g}k", value / 1e3) : fmt::format("{:.6g}", value);
}

/// The command that puts six marks at most on the x axis: gnuplot's own run into each other in small panels.
inline std::string x_marks(panel const& drawn) {
    double low = HUGE_VAL, high = -HUGE_VAL;
    for (auto const& c : drawn.curves)
        for (double const x : c.x) low = std::min(low, x), high = std::max(high, x);
    if (!(high > low)) return "set xtics autofreq\n";
    double const power = std::pow(10.0, std::floor(std::log10((high - low) / 4.0)));
    double step = 10.0 * power;
    for (double const digit : {5.0, 2.5, 2.0, 1.0})
        if ((high - low) / (digit * power) <= 5.0) step = digit * power;
    std::string marks;
    for (double at = std::ceil(low / step); at * step <= high * (1.0 + 1e-12); at += 1.0)
        marks += fmt::format("{}'{}' {}", marks.empty() ? "" : ",", axis_label(at * step), at * step);
    return "set xtics (" + marks + ")\n";
}

/// The commands that draw a panel's curves.
inline std::string gnuplot_panel(std::string const& name, panel const& drawn) {
    std::string script, plots;
    bool has_points = false;
    for (std::size_t i = 0; i < drawn.curves.size(); ++i) {
        auto const& c = drawn.curves[i];
        auto const block = fmt::format("{}_{}", name, i);
        auto const colour = line_colours[i % line_colours.size()];
        if (std::none_of(c.y.begin(), c.y.end(), [](double y) { return std::isfinite(y); })) continue;
        has_points = true;
        script += gnuplot_data(block, c);
        if (!c.low.empty())
            plots += fmt::format(", ${} using 1:3:4 with filledcurves fs transparent solid 0.18 noborder lc rgb '{}'",
                                 block, colour);
        // single points are seen only as points
        plots += fmt::format(", ${} using 1:2 with {} lw 2 pt 7 ps 0.35 lc rgb '{}'", block,
                             c.x.size() <= 60 ? "linespoints" : "lines", colour);
    }
    script += fmt::format("set title {} noenhanced\n", gnuplot_quoted(drawn.title));
    // a frame of its own where nothing was measured: a figure's panels stay in their places
    if (!has_points)
        return script +
               "set label 1 'no numbers' at graph 0.5,0.5 center textcolor rgb '#666666'\n"
               "set format ''\nset tics scale 0\nunset grid\nplot [0:1][0:1] NaN\nunset label 1\n"
               "set format x '%.8g'\nset format y '%.8g'\nset tics scale 1\nset grid\n";
    script += x_marks(drawn);
    return script + "plot " + plots.substr(2) + "\n";
}
}  // namespace detail

namespace detail {
/// Whether a picture ends as its format does: gnuplot tells nobody of a full disk.
inline bool is_whole_picture(std::filesystem::path const& file, std::filesystem::path const& format) {
    std::string const end = format == ".svg" ? "</svg>" : format == ".pdf" ? "%%EOF" : "IEND";
    std::ifstream in(file, std::ios::binary);
    std::string const bytes{std::istreambuf_iterator<char>(in), {}};
    auto const at = bytes.rfind(end);
    return at != std::string::npos && bytes.size() - at < end.size() + 16;
}
}  // namespace detail

/// Draws a figure into a file: PNG, SVG or PDF, by the file's ending. False where gnuplot is missing or fails, or the
/// picture could not be written whole; then what stood there stays.
inline bool draw_figure(figure const& f, std::filesystem::path const& file) {
    std::size_t legend = 0;
    for (auto const& p : f.panels) legend = std::max(legend, p.curves.size());
    if (legend == 1) legend = 0;
    int const across = std::max(1, std::min(f.columns, static_cast<int>(f.panels.size())));
    int const down = (static_cast<int>(f.panels.size()) + across - 1) / across;
    int const legend_rows = (static_cast<int>(legend) + f.legend_columns - 1) / std::max(1, f.legend_columns);
    int const top = f.title.empty() ? 8 : 40, bottom = legend == 0 ? 4 : 16 + 22 * legend_rows;
    int const width = std::max(460, 400 * across), height = 300 * down + top + bottom;
    double const h = height;
    auto const beside = std::filesystem::path(file).concat(".part-" + std::to_string(::getpid()));
    std::string script = "set terminal " + detail::gnuplot_terminal(file, width, height) + "\nset output " +
                         gnuplot_quoted(beside.string()) + "\nset multiplot\n";
    if (!f.title.empty())
        script += fmt::format("set label 99 {} noenhanced at screen 0.5,{:.4f} center font ',14'\n",
                              gnuplot_quoted(f.title), 1.0 - 20.0 / h);
    script += fmt::format(
        "set grid lt 1 lw 1 lc rgb '#e4e8ec'\nset border 3 lc rgb '#666666'\nset tics nomirror\nunset key\n"
        "set autoscale xfix\nset autoscale yfix\nset offsets graph 0, graph 0, graph 0.06, graph 0.06\n"
        "set format y '%.8g'\nset xtics font ',9'\nset ytics font ',9'\nset lmargin 9\nset rmargin 2.5\nset xlabel "
        "{} noenhanced\n",
        gnuplot_quoted(f.x_label));
    for (std::size_t i = 0; i < f.panels.size(); ++i) {
        int const row = static_cast<int>(i) / across, column = static_cast<int>(i) % across;
        script +=
            fmt::format("set origin {:.5f},{:.5f}\nset size {:.5f},{:.5f}\n", column / static_cast<double>(across),
                        1.0 - (top + 300.0 * (row + 1)) / h, 1.0 / across, 300.0 / h);
        script += detail::gnuplot_panel("p" + std::to_string(i), f.panels[i]);
        if (i == 0) script += "unset label 99\n";
    }
    if (legend > 0) {
        script += fmt::format(
            "set origin 0,0\nset size 1,{:.5f}\nunset border\nunset tics\nunset grid\nunset xlabel\nunset title\nunset "
            "offsets\n"
            "set margins 0,0,0,0\nset key center center noenhanced Left reverse samplen 2 horizontal maxcols {}\nplot "
            "[0:1][0:1]",
            bottom / h, f.legend_columns);
        for (std::size_t i = 0; i < f.panels.front().curves.size(); ++i)
            script += fmt::format("{} NaN with lines lw 3 lc rgb '{}' title {}", i == 0 ? "" : ",",
                                  detail::line_colours[i % detail::line_colours.size()],
                                  gnuplot_quoted(f.panels.front().curves[i].title));
        script += '\n';
    }
    std::error_code fails;
    bool const is_drawn =
        run_gnuplot(script + "unset multiplot\nunset output\n") && detail::is_whole_picture(beside, file.extension());
    if (is_drawn) std::filesystem::rename(beside, file, fails);
    if (is_drawn && !fails) return true;
    std::filesystem::remove(beside, fails);
    return false;
}

/// Draws each curve in a panel of its own, three a row, into a PNG file.
inline bool plot_png(std::vector<curve> const& curves, std::string const& title, std::string const& x_label,
                     std::filesystem::path const& file) {
    figure drawn{title, x_label, {}};
    for (auto const& c : curves) drawn.panels.push_back({c.title, {c}});
    return draw_figure(drawn, file);
}

/// Draws a curve with characters on stdout.
inline bool plot_terminal(curve const& c, std::string const& x_label, int width, int height = 16) {
    std::fflush(stdout);
    return run_gnuplot(fmt::format("set terminal dumb noenhanced {} {}\nset title {}\nset xlabel {}\nunset key\n",
                                   width, height, gnuplot_quoted(c.title), gnuplot_quoted(x_label)) +
                       gnuplot_data("c", c) + "plot $c using 1:2 with lines\n");
}

}  // namespace proximal::run
