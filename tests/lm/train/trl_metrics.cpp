// SPDX-License-Identifier: Apache-2.0
#include "../../support/backends.hpp"

#include <catch2/catch.hpp>
#include <map>
#include <proximal/lm/train/trl_metrics.hpp>

using namespace proximal;
using namespace proximal::lm;
using support::grid, support::NaN;

namespace {
template <class Array>
std::map<std::string, double> values_of(experience<Array> const& then, prediction<Array> const& now) {
    std::map<std::string, double> values;
    boost::hana::for_each(trl_metrics(then, now), [&](auto const& metric) {
        if (!absent(metric.value)) values[std::string(metric.name)] = support::read(metric.value)(0, 0);
    });
    return values;
}
}  // namespace

TEMPLATE_TEST_CASE("trl_metrics: hand numbers, padding counted as TRL counts it and not at all", "", BACKENDS) {
    double const ln2 = std::log(2.0);
    experience<TestType> then;
    then.logprobs = grid<TestType>({{-1, -1, NaN}, {-1, NaN, NaN}});
    then.mask = grid<TestType>({{1, 1, 0}, {1, 0, 0}});
    prediction<TestType> now{.logprobs = grid<TestType>({{-1 + ln2, -1, NaN}, {-1 - ln2, 5, NaN}}),
                             .entropies = grid<TestType>({{1, 2, 4}, {3, 4, 4}})};
    auto values = values_of(then, now);
    CHECK(values.size() == 7);
    CHECK(values["policy/approxkl_avg"] == Approx(0.5 * 2 * ln2 * ln2 / 6));
    CHECK(values["policy/approxkl_masked"] == Approx(0.5 * 2 * ln2 * ln2 / 3));
    CHECK(values["val/ratio"] == Approx((2 + 1 + 0.5 + 3) / 6));
    CHECK(values["val/ratio_masked"] == Approx(3.5 / 3));
    CHECK(values["val/ratio_token_var"] == Approx((5.25 - 3.5 * 3.5 / 3) / 2));
    CHECK(values["policy/entropy_avg"] == Approx(3));
    CHECK(values["policy/entropy_masked"] == Approx(2));

    now.entropies = TestType{};
    CHECK(values_of(then, now).count("policy/entropy_avg") == 0);
}
