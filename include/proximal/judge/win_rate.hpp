// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <proximal/judge/comparison.hpp>
#include <random>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace proximal::judge {

/// How often each verdict was given. `inconsistent` counts those ties that are two orders in disagreement.
struct tally {
    std::int64_t wins = 0, losses = 0, ties = 0, failures = 0, inconsistent = 0;

    std::int64_t judged() const { return wins + losses + ties; }
    std::int64_t total() const { return judged() + failures; }
    double points() const { return static_cast<double>(wins) + 0.5 * static_cast<double>(ties); }
    bool operator==(tally const&) const = default;
};

inline tally count(std::span<outcome const> outcomes) {
    tally counts;
    for (auto const& one : outcomes) {
        counts.wins += one.result == verdict::win;
        counts.losses += one.result == verdict::loss;
        counts.ties += one.result == verdict::tie;
        counts.failures += one.result == verdict::failure;
        counts.inconsistent += one.inconsistent;
    }
    return counts;
}

/// (wins + ties / 2) / judged, where judged = wins + losses + ties: a failure is left out of both. Nothing where no
/// pair was judged.
inline std::optional<double> win_rate(tally const& counts) {
    if (counts.judged() == 0) return std::nullopt;
    return counts.points() / static_cast<double>(counts.judged());
}

/// wins / total, as TRL's judge_tldr.py counts: a tie and a failure are as a loss. It is win_rate() where there are
/// none. Nothing where there was no pair.
inline std::optional<double> trl_win_rate(tally const& counts) {
    if (counts.total() == 0) return std::nullopt;
    return static_cast<double>(counts.wins) / static_cast<double>(counts.total());
}

struct interval {
    double low = 0.0, high = 1.0;

    bool operator==(interval const&) const = default;
};

inline constexpr double z_of_95_percent = 1.959963984540054;

/// The score interval of a share, 95 % by default: it keeps its coverage where the share is near 0 or 1, and never
/// leaves [0, 1]. `successes` may have halves; of 0 trials nothing is known: [0, 1].
/// Source: Wilson (1927), Probable inference, the law of succession, and statistical inference.
inline interval wilson_interval(double successes, double trials, double z = z_of_95_percent) {
    if (!(trials > 0.0)) return {};
    double const share = successes / trials, square = z * z / trials;
    double const centre = (share + square / 2.0) / (1.0 + square);
    double const half = z * std::sqrt(share * (1.0 - share) / trials + square / trials / 4.0) / (1.0 + square);
    return {std::max(0.0, centre - half), std::min(1.0, centre + half)};
}

namespace detail {
/// The means of `resamples` draws of as many values, with replacement, in order. The numbers are the same on every
/// machine, which std::uniform_int_distribution does not promise.
inline std::vector<double> resampled_means(std::span<double const> values, std::int64_t resamples, std::uint64_t seed) {
    std::mt19937_64 random(seed);
    auto const size = static_cast<double>(values.size());
    std::vector<double> means(static_cast<std::size_t>(resamples), 0.0);
    for (auto& mean : means) {
        double sum = 0.0;
        for (std::size_t i = 0; i < values.size(); ++i) {
            double const share = static_cast<double>(random() >> 11) * 0x1p-53;  // below 1
            sum += values[static_cast<std::size_t>(share * size)];
        }
        mean = sum / size;
    }
    std::sort(means.begin(), means.end());
    return means;
}
inline interval middle_95_percent(std::vector<double> const& sorted) {
    auto const at = [&](double share) {
        return sorted[static_cast<std::size_t>(std::lround(share * static_cast<double>(sorted.size() - 1)))];
    };
    return {at(0.025), at(0.975)};
}
}  // namespace detail

/// The percentile bootstrap's 95 % interval of a mean: pairs are drawn anew, with replacement. [0, 1] of no values.
/// Source: Efron (1979), Bootstrap methods: another look at the jackknife.
inline interval bootstrap_interval(std::span<double const> values, std::uint64_t seed = 0,
                                   std::int64_t resamples = 10000) {
    if (values.empty()) return {};
    return detail::middle_95_percent(detail::resampled_means(values, resamples, seed));
}

/// What the judged pairs count, in order.
inline std::vector<double> points_of(std::span<outcome const> outcomes) {
    std::vector<double> values;
    for (auto const& one : outcomes)
        if (auto const value = points(one.result)) values.push_back(*value);
    return values;
}

/// How probable it is that of wins and losses, were each as likely, one side had so many or more: two-sided, exact.
/// Ties say nothing and are left out. 1 where there is neither.
inline double sign_test(std::int64_t wins, std::int64_t losses) {
    std::int64_t const n = wins + losses, more = std::max(wins, losses);
    double tail = 0.0;
    auto const log_factorial = [](std::int64_t k) { return std::lgamma(static_cast<double>(k) + 1.0); };
    for (std::int64_t k = more; k <= n; ++k)
        tail += std::exp(log_factorial(n) - log_factorial(k) - log_factorial(n - k) -
                         static_cast<double>(n) * std::log(2.0));
    return std::min(1.0, 2.0 * tail);
}

/// Two models against the same references on the same prompts: how far `a` is ahead of `b`.
struct paired_comparison {
    std::int64_t pairs = 0;               // judged for both
    std::int64_t better = 0, worse = 0;   // where a has more, or less, points than b
    double difference = 0.0;              // of the win rates, a - b, over those pairs
    interval difference_interval{-1, 1};  // 95 %, paired bootstrap
    double bootstrap_p = 1.0;             // two-sided, of no difference
    double sign_test_p = 1.0;
};

/// Compares two judgings by their pairs' ids. A pair that failed for either, or that one of them lacks, is left out.
/// The bootstrap draws prompts, so that what makes a prompt easy for both does not widen the interval.
/// Throws std::invalid_argument where an id stands twice in one judging.
inline paired_comparison compare(std::span<outcome const> a, std::span<outcome const> b, std::uint64_t seed = 0,
                                 std::int64_t resamples = 10000) {
    auto const by_id = [](std::span<outcome const> outcomes) {
        std::map<std::string_view, double> found;
        for (auto const& one : outcomes) {
            auto const value = points(one.result);
            if (value && !found.emplace(one.id, *value).second)
                throw std::invalid_argument("the pair '" + one.id +
                                            "' was judged twice: give each pair an id of its own");
        }
        return found;
    };
    auto const theirs = by_id(b);
    std::vector<double> differences;
    paired_comparison result;
    for (auto const& [id, value] : by_id(a)) {
        auto const found = theirs.find(id);
        if (found == theirs.end()) continue;
        differences.push_back(value - found->second);
        result.better += differences.back() > 0.0;
        result.worse += differences.back() < 0.0;
        result.difference += differences.back();
    }
    result.pairs = static_cast<std::int64_t>(differences.size());
    if (differences.empty()) return result;
    result.difference /= static_cast<double>(result.pairs);
    auto const means = detail::resampled_means(differences, resamples, seed);
    result.difference_interval = detail::middle_95_percent(means);
    auto const at_most = std::upper_bound(means.begin(), means.end(), 0.0) - means.begin();
    auto const at_least = means.end() - std::lower_bound(means.begin(), means.end(), 0.0);
    double const rarer = static_cast<double>(std::min(at_most, at_least));
    result.bootstrap_p = std::min(1.0, 2.0 * (rarer + 1.0) / (static_cast<double>(resamples) + 1.0));  // never 0
    result.sign_test_p = sign_test(result.better, result.worse);
    return result;
}

}  // namespace proximal::judge
