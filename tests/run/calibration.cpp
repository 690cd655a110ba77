// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <cmath>
#include <proximal/run/calibration.hpp>
#include <random>

using namespace proximal::run;

TEST_CASE("calibration: pairs by what the model claims, and how often it is right; a tie is half right") {
    double const sure = std::log(0.97 / 0.03), unsure = std::log(0.6 / 0.4);  // sigmoid gives 0.97 and 0.6
    std::vector<double> const margins{sure, sure, sure, -sure, unsure, -unsure, 0.0};
    auto const bins = calibration(margins);
    CHECK(bins[9].pairs == 4);
    CHECK(bins[9].claimed == Approx(0.97));
    CHECK(bins[9].right == Approx(0.75));
    CHECK((bins[0].pairs == 1 && bins[0].right == 0.5));
    double const error = (4 * std::abs(0.97 - 0.75) + 2 * std::abs(0.6 - 0.5) + 0.0) / 7;
    CHECK(calibration_error(margins) == Approx(error));
    CHECK(std::isnan(calibration_error({})));
    CHECK(calibration_error({1000.0, -1000.0}) == Approx(0.5));
}

TEST_CASE("calibration: a model whose margins are the true log-odds has next to no error, one too sure has") {
    std::mt19937_64 engine(1);
    std::normal_distribution<double> margin(0.0, 2.0);
    std::uniform_real_distribution<double> draw(0.0, 1.0);
    std::vector<double> honest, boastful;
    for (int i = 0; i < 20000; ++i) {
        double const m = std::abs(margin(engine)), right = draw(engine) < 1.0 / (1.0 + std::exp(-m)) ? 1.0 : -1.0;
        honest.push_back(right * m);
        boastful.push_back(right * 4.0 * m);
    }
    CHECK(calibration_error(honest) < 0.02);
    CHECK(calibration_error(boastful) > 0.1);
}
