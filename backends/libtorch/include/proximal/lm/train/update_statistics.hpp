// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <vector>

namespace proximal::lm {

/// Everything an update measured: a number per micro-batch under each metric's name, in the order they ran.
struct update_statistics {
    std::map<std::string, std::vector<double>> series;
    std::int64_t optimizer_steps = 0;
    std::int64_t skipped_steps = 0;     // left out by the algorithm's guard
    std::int64_t overflowed_steps = 0;  // left out because float16 overflowed
    bool stopped = false;               // the guard ended the update early

    /// The mean over all micro-batches; NaN where nothing was measured under this name.
    double mean(std::string const& name) const {
        auto const found = series.find(name);
        if (found == series.end()) return std::numeric_limits<double>::quiet_NaN();
        auto const& all = found->second;
        double total = 0.0;
        for (double x : all) total += x;
        return total / static_cast<double>(all.size());
    }
    /// Unbiased; NaN for a single number.
    double variance(std::string const& name) const {
        auto const found = series.find(name);
        if (found == series.end()) return std::numeric_limits<double>::quiet_NaN();
        auto const& all = found->second;
        double const centre = mean(name);
        double total = 0.0;
        for (double x : all) total += (x - centre) * (x - centre);
        return total / static_cast<double>(all.size() - 1);
    }
};

}  // namespace proximal::lm
