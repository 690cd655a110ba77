// SPDX-License-Identifier: Apache-2.0
#include <proximal/numeric/pack.hpp>
#include <proximal/proximal.hpp>

#include <catch2/catch.hpp>
#include <limits>
#include <random>

using namespace proximal;

namespace {

/// |got − expected| in units in the last place of `expected`; 0 for equal infinities, both NaN, equal zeros.
template <class T>
double ulps(T got, long double expected) {
    T const rounded = static_cast<T>(expected);
    if (std::isnan(rounded)) return std::isnan(got) ? 0.0 : 1e300;
    if (std::isinf(rounded) || rounded == 0)
        return got == rounded ? 0.0 : std::isinf(rounded) ? 1e300 : double(got != rounded);
    T const unit = std::nextafter(std::abs(rounded), std::numeric_limits<T>::infinity()) - std::abs(rounded);
    return static_cast<double>(std::abs((static_cast<long double>(got) - expected) / unit));
}

}  // namespace

TEMPLATE_TEST_CASE("pack: exp lies within 2 ulp of the truth, at the ends of the range too", "", float, double) {
    using P = pack<TestType>;
    double const reach = sizeof(TestType) == 4 ? 110.0 : 760.0;
    double worst = 0.0;
    for (double x = -reach; x < reach; x += reach / 50000) {
        auto const argument = static_cast<TestType>(x);
        auto const y = exp(P(argument));
        for (int i = 0; i < P::width; ++i)
            worst = std::max(worst, ulps<TestType>(y.lanes[i], std::exp((long double)argument)));
    }
    CHECK(worst < 2.0);
    double const infinite = std::numeric_limits<double>::infinity();
    CHECK(exp(P(infinite)).lanes[0] == std::numeric_limits<TestType>::infinity());
    CHECK(exp(P(-infinite)).lanes[0] == 0);
    CHECK(exp(P(-0.0)).lanes[0] == 1);
    CHECK(std::isnan(exp(P(infinite - infinite)).lanes[0]));
}

TEMPLATE_TEST_CASE("pack: every function's value and slopes are the scalar's, lane by lane", "", float, double) {
    using P = pack<TestType>;
    double const infinite = std::numeric_limits<double>::infinity(), NaN = infinite - infinite;
    auto const formula = [](auto const& x, auto const& y) {
        return max(x, y) + 2.0 * min(x, 0.5) + clamp(x, y, 1.0) - clamp(y, -0.5, 0.5) * abs(x) +
               square(y) / (2.0 + exp(x)) + select(x > y, expm1(x), -y) + sigmoid(x) + (x >= y) * log(abs(y) + 1.0) +
               (x <= 0.5) * sqrt(square(x) + 1.0) + detach(x) * (y < x);
    };
    for (double a : {-2.0, -0.5, 0.0, 0.5, 1.0, 3.0, NaN, infinite, -infinite}) {
        for (double b : {-2.0, -0.5, 0.0, 0.5, 1.0, 3.0, NaN, infinite, -infinite}) {
            P x = a, y = b;  // the lanes differ: a lane that looked at its neighbour would be seen
            for (int i = 1; i < P::width; ++i) x.lanes[i] = TestType(0.25 * i), y.lanes[i] = TestType(1.0 - 0.3 * i);
            auto const wide = formula(number<P, 2>::variable(x, 0), number<P, 2>::variable(y, 1));
            for (int i = 0; i < P::width; ++i) {
                auto const narrow =
                    formula(number<TestType, 2>::variable(x.lanes[i], 0), number<TestType, 2>::variable(y.lanes[i], 1));
                auto const near = [&](TestType got, TestType expected) {
                    if (std::isnan(expected) || std::isinf(expected)) return ulps<TestType>(got, expected) == 0.0;
                    return std::abs(got - expected) <=
                           16 * std::numeric_limits<TestType>::epsilon() * (1 + std::abs(expected));
                };
                INFO("x " << x.lanes[i] << ", y " << y.lanes[i]);
                CHECK(near(wide.value.lanes[i], narrow.value));
                CHECK(near(wide.partials[0].lanes[i], narrow.partials[0]));
                CHECK(near(wide.partials[1].lanes[i], narrow.partials[1]));
            }
        }
    }
}
