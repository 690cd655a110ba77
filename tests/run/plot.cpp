// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <fstream>
#include <iterator>
#include <proximal/run/plot.hpp>

#include "../support/temporary_folder.hpp"

using namespace proximal::run;

TEST_CASE("gnuplot_data: a NaN is a gap, a band has its limits") {
    CHECK(gnuplot_data("c", {"t", {1, 2, 3}, {1, NAN, 3}}) == "$c << EOD\n1 1\n\n3 3\nEOD\n");
    CHECK(gnuplot_data("c", {"t", {1}, {2}, {1.5}, {2.5}}) == "$c << EOD\n1 2 1.5 2.5\nEOD\n");
}

TEST_CASE("x_marks: six at most, round, with their unit") {
    auto const marks = [](std::vector<double> x) { return proximal::run::detail::x_marks({"p", {{"c", x, x}}}); };
    CHECK(marks({64, 7680}) == "set xtics ('2000' 2000,'4000' 4000,'6000' 6000)\n");
    CHECK(marks({0, 2.2e6}) == "set xtics ('0' 0,'500k' 500000,'1M' 1000000,'1.5M' 1500000,'2M' 2000000)\n");
    CHECK(marks({5}) == "set xtics autofreq\n");
    CHECK(marks({}) == "set xtics autofreq\n");
}

TEST_CASE("is_whole_picture: a picture that a full disk cut is none") {
    support::temporary_folder const folder;
    auto const check = [&](char const* ending, std::string const& whole) {
        auto const file = folder.path / (std::string("a") + ending);
        std::ofstream(file, std::ios::binary) << whole;
        CHECK(proximal::run::detail::is_whole_picture(file, ending));
        for (auto const& cut : {std::string(), whole.substr(0, whole.size() / 2), whole + std::string(50, 'x')}) {
            std::ofstream(file, std::ios::binary) << cut;
            CHECK_FALSE(proximal::run::detail::is_whole_picture(file, ending));
        }
    };
    check(".svg", "<svg>" + std::string(100, ' ') + "</svg>\n");
    check(".pdf", "%PDF" + std::string(100, ' ') + "%%EOF\n");
    check(".png", "PNG" + std::string(100, ' ') + "IEND1234");
    CHECK_FALSE(proximal::run::detail::is_whole_picture(folder.path / "none.png", ".png"));
}

TEST_CASE("draw_figure: PNG, SVG and PDF by the ending, whatever the titles hold; where gnuplot is installed") {
    support::temporary_folder const folder;
    figure const drawn{"it's $1 `x` \"q\"",
                       "x_label",
                       {{"a_b^c", {{"one's", {1, 2}, {1, 2}, {0, 1}, {2, 3}}, {"two", {1, 2}, {2, NAN}}}},
                        {"nothing", {{"one's", {1}, {NAN}}, {"two", {}, {}}}}},
                       2};
    if (!run_gnuplot("set terminal pngcairo\n")) {
        WARN("gnuplot is missing: no figure was drawn");
        return;
    }
    for (auto const& [name, begin] :
         {std::pair{"a.png", "\x89PNG"}, std::pair{"a.svg", "<?xml"}, std::pair{"a.pdf", "%PDF"}}) {
        REQUIRE(draw_figure(drawn, folder.path / name));
        std::ifstream in(folder.path / name, std::ios::binary);
        std::string const bytes(std::istreambuf_iterator<char>(in), {});
        CHECK(bytes.starts_with(begin));
        CHECK(bytes.size() > 1000);
        if (std::string(name) == "a.svg") {
            CHECK(bytes.find("a_b^c") != std::string::npos);
            CHECK(bytes.find("no numbers") != std::string::npos);
        }
    }
}
