// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <proximal/numeric/derived.hpp>
#include <proximal/numeric/functions.hpp>
#include <proximal/numeric/symbol.hpp>

using namespace proximal;

namespace {
/// Value and slope of a function of one variable, against the library's function and the slope by hand.
void check_at(double at, auto const& ours, double value, double slope) {
    INFO("at " << at);
    auto const got = ours(number<double, 1>::variable(at, 0));
    CHECK(got.value == Approx(value).epsilon(1e-14).margin(1e-300));
    CHECK(got.partials[0] == Approx(slope).epsilon(1e-12).margin(1e-15));
}
}  // namespace

TEST_CASE("derived: tanh, log1p and pow have the values and slopes of the mathematics, near 0 too") {
    for (double const x : {-300.0, -21.0, -3.0, -0.5, -1e-9, 0.0, 1e-12, 0.25, 2.0, 19.0, 300.0}) {
        double const t = std::tanh(x);
        check_at(
            x, [](auto const& v) { return tanh(v); }, t, 1.0 - t * t);
    }
    for (double const x : {-0.999, -0.5, -1e-10, 0.0, 1e-15, 1e-7, 0.5, 3.0, 1e8})
        check_at(
            x, [](auto const& v) { return log1p(v); }, std::log1p(x), 1.0 / (1.0 + x));
    for (double const x : {1e-6, 0.3, 1.0, 7.0})
        for (double const p : {-1.5, 0.0, 0.5, 2.0, 3.0})
            check_at(
                x, [p](auto const& v) { return pow(v, p); }, std::pow(x, p), p * std::pow(x, p - 1.0));
    CHECK(std::isnan(tanh(number<double>(std::numeric_limits<double>::quiet_NaN())).value));
}

TEST_CASE("derived: a symbol remembers what they read") {
    symbol const x = source::advantage;
    CHECK((symbol(tanh(x)).reads(source::advantage) && symbol(log1p(x)).reads(source::advantage) &&
           symbol(pow(x, 2.0)).reads(source::advantage)));
}

namespace {
template <class X>
constexpr int refused_spellings = !requires(X x) {
    fabs(x);
}
+ !requires(X x) {
    fmax(x, 0.0);
}
+ !requires(X x) {
    fmax(0.0, x);
}
+ !requires(X x) {
    fmin(x, x);
}
+ !requires(X x) {
    relu(x);
}
+ !requires(X x) {
    clip(x, 0.0, 1.0);
}
+ !requires(X x) {
    where(x > x, x, 0.0);
}
+ !requires(X x) {
    log2(x);
}
+ !requires(X x) {
    log10(x);
}
+ !requires(X x) {
    x == x;
}
+ !requires(X x) {
    x != 0.0;
};
}  // namespace

TEST_CASE("derived: other spellings and equality are refused of every numeric, and left alone of plain numbers") {
    STATIC_REQUIRE(refused_spellings<symbol> == 11);
    STATIC_REQUIRE(refused_spellings<number<double>> == 11);
    STATIC_REQUIRE(refused_spellings<number<float, 3>> == 11);
    using std::fabs, std::fmax, std::log2;
    CHECK((fabs(-1.0) == 1.0 && fmax(0.0, 1.0) == 1.0 && log2(8.0) == 3.0 && log10(100.0) == 2.0));
}
