// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <cmath>
#include <proximal/judge/length_control.hpp>
#include <random>

#include "outcomes.hpp"

using namespace proximal::judge;
using judge_test::outcomes;

namespace {
std::vector<outcome> with_lengths(std::string_view marks, std::vector<std::int64_t> const& model,
                                  std::int64_t reference = 100) {
    auto found = outcomes(marks);
    for (std::size_t i = 0; i < found.size(); ++i)
        found[i].model_length = model[i], found[i].reference_length = reference;
    return found;
}
double sigmoid(double x) { return 1.0 / (1.0 + std::exp(-x)); }
}  // namespace

TEST_CASE("answer_length: characters, not bytes") {
    CHECK(answer_length("caf\xc3\xa9 \xf0\x9f\x98\x80") == 6);
    CHECK(answer_length("") == 0);
}

TEST_CASE("by_length: each pair stands in one bucket, edges included below") {
    auto const buckets = by_length(with_lengths("WWLLTFW", {0, 50, 79, 80, 125, 199, 200}));
    REQUIRE(buckets.size() == 5);
    std::vector<std::int64_t> totals;
    for (auto const& bucket : buckets) totals.push_back(bucket.counts.total());
    CHECK(totals == std::vector<std::int64_t>{1, 2, 1, 2, 1});
    CHECK((buckets[0].low == 0.0 && buckets[0].high == 0.5 && std::isinf(buckets[4].high)));
    CHECK((buckets[3].counts.ties == 1 && buckets[3].counts.failures == 1));
    CHECK(by_length(with_lengths("W", {7}, 0)).back().counts.wins == 1);  // an empty reference divides by nothing
}

TEST_CASE("length_controlled: where lengths do not matter it is the win rate") {
    auto const same = length_controlled(with_lengths("WWWL", {100, 100, 100, 100}));
    CHECK(same->win_rate == Approx(0.75).margin(1e-5));
    CHECK(same->length_effect == 0.0);
    CHECK(length_controlled(with_lengths("WWWL", {150, 150, 150, 150}))->win_rate == Approx(0.75).margin(1e-5));
    auto const even = length_controlled(with_lengths("WLWL", {150, 150, 50, 50}));
    CHECK(even->win_rate == Approx(0.5).margin(1e-9));
    CHECK(even->length_effect == Approx(0.0).margin(1e-9));
    CHECK(length_controlled(with_lengths("TTT", {1, 2, 3}))->win_rate == Approx(0.5).margin(1e-9));
}

TEST_CASE("length_controlled: the logit's interval is that of a share where there is no length") {
    std::string marks(100, 'W');
    marks.replace(0, 25, std::string(25, 'L'));
    auto const found = length_controlled(with_lengths(marks, std::vector<std::int64_t>(100, 100)));
    double const half = z_of_95_percent / std::sqrt(100 * 0.75 * 0.25), logit = std::log(3.0);
    CHECK(found->confidence.low == Approx(sigmoid(logit - half)).margin(1e-5));
    CHECK(found->confidence.high == Approx(sigmoid(logit + half)).margin(1e-5));
}

TEST_CASE("length_controlled: finds the rate and the bias that data were drawn from") {
    std::mt19937 random(5);
    std::uniform_real_distribution<double> share(0.0, 1.0);
    std::string marks;
    std::vector<std::int64_t> lengths;
    double square = 0.0;
    for (int i = 0; i < 20000; ++i) {
        lengths.push_back(100 + static_cast<std::int64_t>(random() % 101) - 20);  // longer than 100, most of them
        square += std::pow(static_cast<double>(lengths.back() - 100), 2);
    }
    double const scale = std::sqrt(square / 20000.0), theta = -0.4, phi = 1.5;
    for (auto const length : lengths)
        marks +=
            share(random) < sigmoid(theta + phi * std::tanh(static_cast<double>(length - 100) / scale)) ? 'W' : 'L';
    auto const judged = with_lengths(marks, lengths);
    auto const found = length_controlled(judged);
    CHECK(found->win_rate == Approx(sigmoid(theta)).margin(0.02));
    CHECK(found->length_effect == Approx(phi).margin(0.1));
    CHECK((found->confidence.low < sigmoid(theta) && found->confidence.high > sigmoid(theta)));
    CHECK(*win_rate(count(judged)) > 0.5);  // it is length that wins
}

TEST_CASE(
    "length_controlled: few pairs, and pairs that length parts perfectly, have an answer; one-sided ones have none") {
    auto const parted = length_controlled(with_lengths("WWWLLL", {200, 201, 202, 20, 21, 22}));
    REQUIRE(parted.has_value());
    CHECK(parted->win_rate == Approx(0.5).margin(0.1));
    CHECK((parted->length_effect > 0.5 && std::isfinite(parted->length_effect)));
    auto const nearly = length_controlled(with_lengths("WWWT", {200, 100, 50, 100}));
    CHECK((nearly->win_rate > 0.5 && nearly->win_rate < 1.0));
    CHECK((nearly->confidence.low >= 0.0 && nearly->confidence.high <= 1.0));
    for (auto const* const one_sided : {"WWW", "LLL", "LFL", "W", "L"})
        CHECK_FALSE(length_controlled(with_lengths(one_sided, {200, 100, 50})).has_value());
    CHECK_FALSE(length_controlled(with_lengths("FF", {1, 2})).has_value());
    CHECK_FALSE(length_controlled({}).has_value());
}
