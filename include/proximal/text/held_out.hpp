// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <random>
#include <stdexcept>
#include <vector>

namespace proximal::text {

/// Which of `count` rows are put aside for evaluation: a share of them, drawn by the seed alone. The share is rounded
/// down, but at least one row if it is above 0.
/// Throws std::invalid_argument for a fraction outside [0, 1) and where no row would be left to train on.
inline std::vector<bool> held_out(std::size_t count, double fraction, std::uint64_t seed) {
    if (!(fraction >= 0.0 && fraction < 1.0))
        throw std::invalid_argument(fmt::format("eval_fraction is {} but must lie in [0, 1)", fraction));
    auto aside = static_cast<std::size_t>(fraction * static_cast<double>(count));
    if (fraction > 0.0) aside = std::max<std::size_t>(aside, 1);
    if (aside >= count)
        throw std::invalid_argument(
            fmt::format("the data's {} {} too few to set some aside for evaluation: give more, or --eval_fraction 0",
                        count, count == 1 ? "row is" : "rows are"));
    std::vector<std::size_t> order(count);
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::mt19937_64 draw(seed);  // its numbers are the same everywhere; those of std::shuffle are not
    for (std::size_t i = 0; i < aside; ++i) std::swap(order[i], order[i + draw() % (count - i)]);
    std::vector<bool> chosen(count);
    for (std::size_t i = 0; i < aside; ++i) chosen[order[i]] = true;
    return chosen;
}

}  // namespace proximal::text
