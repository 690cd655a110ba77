// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <proximal/judge/comparison.hpp>
#include <proximal/judge/win_rate.hpp>
#include <span>
#include <vector>

namespace proximal::judge {

/// The pairs whose answers are of about one ratio of lengths, model to reference: from `low` on and below `high`.
struct length_bucket {
    double low = 0.0, high = std::numeric_limits<double>::infinity();
    tally counts{};
};

/// Verdicts by how much longer the model's answer is than the reference. An empty reference counts as one character.
inline std::vector<length_bucket> by_length(std::span<outcome const> outcomes) {
    constexpr std::array<double, 4> edges{0.5, 0.8, 1.25, 2.0};
    std::array<std::vector<outcome>, edges.size() + 1> sorted;
    for (auto const& one : outcomes) {
        double const ratio = static_cast<double>(one.model_length) /
                             static_cast<double>(std::max<std::int64_t>(one.reference_length, 1));
        auto const place = std::upper_bound(edges.begin(), edges.end(), ratio) - edges.begin();
        sorted[static_cast<std::size_t>(place)].push_back(one);
    }
    std::vector<length_bucket> buckets(sorted.size());
    for (std::size_t i = 0; i < sorted.size(); ++i) {
        if (i > 0) buckets[i].low = edges[i - 1];
        if (i < edges.size()) buckets[i].high = edges[i];
        buckets[i].counts = count(sorted[i]);
    }
    return buckets;
}

/// What the win rate would be were both answers of one length.
struct length_controlled_win_rate {
    double win_rate = 0.5;
    interval confidence{};       // 95 %
    double length_effect = 0.0;  // the slope: above 0 where the judge prefers longer answers
};

/// A logistic regression of the win on the difference of lengths, read where that difference is 0:
///
///     P(win) = sigmoid(theta + phi tanh((model's length - reference's length) / s)),  result sigmoid(theta)
///
/// s is the differences' root mean square. A tie is half a win. phi has a standard normal prior (a ridge of weight 1)
/// and theta a nearly flat one, so that few pairs, or pairs that length parts perfectly, still have an answer.
/// The interval is the delta method's on theta. Nothing where no pair was judged, or where one side won every pair:
/// what lengths do to a verdict that never changes cannot be told.
///
/// Source: the idea is AlpacaEval 2's length-controlled win rate (Dubois et al. 2024). Departures: there a term for
/// each prompt's difficulty, fitted on many models, and s the differences' standard deviation; one model alone gives no
/// such term, and root mean square keeps a difference that never varies at a finite size. Figures are not comparable.
inline std::optional<length_controlled_win_rate> length_controlled(std::span<outcome const> outcomes) {
    std::vector<double> x, y;
    double square = 0.0;
    for (auto const& one : outcomes) {
        auto const value = points(one.result);
        if (!value) continue;
        y.push_back(*value);
        x.push_back(static_cast<double>(one.model_length - one.reference_length));
        square += x.back() * x.back();
    }
    if (y.empty() || (y.front() != 0.5 && std::ranges::count(y, y.front()) == std::ssize(y))) return std::nullopt;
    double const scale = std::sqrt(square / static_cast<double>(x.size()));
    for (auto& difference : x) difference = scale > 0.0 ? std::tanh(difference / scale) : 0.0;

    constexpr double theta_ridge = 1e-6, phi_ridge = 1.0, longest_step = 2.0;
    double theta = 0.0, phi = 0.0, variance = 0.0;
    auto const sigmoid = [](double value) { return 1.0 / (1.0 + std::exp(-value)); };
    for (int iteration = 0; iteration < 200; ++iteration) {  // Newton's: the objective is strictly concave
        double slope_theta = -theta_ridge * theta, slope_phi = -phi_ridge * phi;
        double tt = theta_ridge, tp = 0.0, pp = phi_ridge;
        for (std::size_t i = 0; i < x.size(); ++i) {
            double const p = sigmoid(theta + phi * x[i]), weight = p * (1.0 - p);
            slope_theta += y[i] - p, slope_phi += (y[i] - p) * x[i];
            tt += weight, tp += weight * x[i], pp += weight * x[i] * x[i];
        }
        double const determinant = tt * pp - tp * tp;
        double const step_theta = (pp * slope_theta - tp * slope_phi) / determinant;
        double const step_phi = (tt * slope_phi - tp * slope_theta) / determinant;
        double const size = std::max(std::abs(step_theta), std::abs(step_phi));
        double const share = std::min(1.0, longest_step / std::max(size, 1e-300));
        theta += share * step_theta, phi += share * step_phi;
        variance = pp / determinant;
        if (size < 1e-12) break;
    }
    double const half = z_of_95_percent * std::sqrt(variance);
    return length_controlled_win_rate{sigmoid(theta), {sigmoid(theta - half), sigmoid(theta + half)}, phi};
}

}  // namespace proximal::judge
