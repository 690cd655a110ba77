// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <vector>

namespace proximal::run {

/// Pairs to which a model gives about the same chance of being right, and how often it is.
struct calibration_bin {
    double claimed = 0.0;  // mean probability that the preferred answer wins, at least 1/2
    double right = 0.0;    // share of the pairs in which it does
    std::size_t pairs = 0;
};

/// Sorts pairs into ten bins of the claimed probability max(σ(m), 1 − σ(m)), from 1/2 to 1; `margins` are
/// r(chosen) − r(rejected). A margin of 0 counts as half right.
inline std::array<calibration_bin, 10> calibration(std::vector<double> const& margins) {
    std::array<calibration_bin, 10> bins{};
    for (double const margin : margins) {
        double const claimed = 1.0 / (1.0 + std::exp(-std::abs(margin)));
        auto& bin = bins[std::min<std::size_t>(9, static_cast<std::size_t>((claimed - 0.5) * 20.0))];
        bin.claimed += claimed;
        bin.right += margin > 0.0 ? 1.0 : margin == 0.0 ? 0.5 : 0.0;
        ++bin.pairs;
    }
    for (auto& bin : bins)
        if (bin.pairs > 0) {
            bin.claimed /= static_cast<double>(bin.pairs);
            bin.right /= static_cast<double>(bin.pairs);
        }
    return bins;
}

/// The expected calibration error of a preference model: the mean over pairs of |claimed − right| of their bin.
/// 0 where the model is right as often as it claims. NaN for no pairs.
/// Source: Guo et al. 2017, arXiv 1706.04599.
inline double calibration_error(std::vector<double> const& margins) {
    double error = 0.0;
    for (auto const& bin : calibration(margins))
        error += static_cast<double>(bin.pairs) * std::abs(bin.claimed - bin.right);
    return error / static_cast<double>(margins.size());
}

}  // namespace proximal::run
