// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <proximal/proximal.hpp>
#include <type_traits>
#include <vector>

#include "environment.hpp"

namespace cartpole {

/// What an agent says of a state.
struct opinion {
    std::array<double, actions> logprobs{};  // log π(·|s)
    double value = 0.0;                      // V(s)
};

/// Steps that were taken, and where each lies in a rollout [B, T]: a row is a stretch of one episode.
struct recording {
    std::size_t rows = 0, columns = 0;                    // B, T
    std::vector<std::size_t> cells{};                     // [N] b · T + t of each step
    std::vector<state> states{};                          // [N] in which it was taken
    std::vector<std::size_t> chosen{};                    // [N] actions
    std::vector<double> logprobs{}, values{}, rewards{};  // [N]
    std::vector<double> returns{};                        // of the episodes that ended meanwhile

    std::size_t size() const { return cells.size(); }

    /// [B, T], row by row: a number per step in its cell, and 0 where no step lies.
    std::vector<double> grid(std::vector<double> const& per_step) const {
        std::vector<double> result(rows * columns, 0.0);
        for (std::size_t i = 0; i < cells.size(); ++i) result[cells[i]] = per_step[i];
        return result;
    }
};

// [rollout]
/// The library's view of a recording, in any backend's arrays: `array_of` makes one of B · T numbers, row by row.
template <class ArrayOf>
auto as_rollout(recording const& r, ArrayOf const& array_of) {
    auto const mask = array_of(r.grid(std::vector<double>(r.size(), 1.0)));
    return proximal::rollout<std::remove_const_t<decltype(mask)>>{.logprobs = array_of(r.grid(r.logprobs)),
                                                                  .values = array_of(r.grid(r.values)),
                                                                  .rewards = array_of(r.grid(r.rewards)),
                                                                  .mask = mask,
                                                                  .value_mask = mask};
}
// [/rollout]

}  // namespace cartpole
