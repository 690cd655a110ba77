// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <cmath>
#include <cstdio>
#include <filesystem>
#include <proximal/io/no_sigpipe.hpp>
#include <string>
#include <vector>

namespace proximal::run {

/// One curve of a figure: y over x.
struct curve {
    std::string title;
    std::vector<double> x, y;
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

/// A curve as a named block of gnuplot's; a NaN is a gap.
inline std::string gnuplot_data(std::string const& name, curve const& c) {
    std::string text = "$" + name + " << EOD\n";
    for (std::size_t i = 0; i < c.x.size(); ++i)
        text += std::isfinite(c.y[i]) ? fmt::format("{} {}\n", c.x[i], c.y[i]) : std::string("\n");
    return text + "EOD\n";
}

/// Draws each curve in a panel of its own, three a row, into a PNG file.
inline bool plot_png(std::vector<curve> const& curves, std::string const& title, std::string const& x_label,
                     std::filesystem::path const& file) {
    std::size_t const across = 3, down = (curves.size() + across - 1) / across;
    std::string script = fmt::format("set terminal pngcairo size {},{} font 'sans,11'\nset output {}\n", 460 * across,
                                     330 * down + 40, gnuplot_quoted(file.string()));
    script +=
        fmt::format("set multiplot layout {},{} title {} noenhanced font ',14'\n", down, across, gnuplot_quoted(title));
    script += fmt::format(
        "set grid lc rgb '#dddddd'\nset border 3 lc rgb '#666666'\nset tics nomirror\nunset key\n"
        "set xlabel {} noenhanced\n",
        gnuplot_quoted(x_label));
    for (std::size_t i = 0; i < curves.size(); ++i) {
        script += gnuplot_data("c" + std::to_string(i), curves[i]);
        script += fmt::format(
            "set title {} noenhanced\nplot $c{} using 1:2 with linespoints lw 2 pt 7 ps 0.4 lc rgb '#1f6feb'\n",
            gnuplot_quoted(curves[i].title), i);
    }
    return run_gnuplot(script + "unset multiplot\n");
}

/// Draws a curve with characters on stdout.
inline bool plot_terminal(curve const& c, std::string const& x_label, int width, int height = 16) {
    std::fflush(stdout);
    return run_gnuplot(fmt::format("set terminal dumb noenhanced {} {}\nset title {}\nset xlabel {}\nunset key\n",
                                   width, height, gnuplot_quoted(c.title), gnuplot_quoted(x_label)) +
                       gnuplot_data("c", c) + "plot $c using 1:2 with lines\n");
}

}  // namespace proximal::run
