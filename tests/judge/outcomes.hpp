// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/judge/comparison.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace judge_test {

/// Outcomes of pairs "0", "1", ... by a letter each: Win, Loss, Tie, Failure.
inline std::vector<proximal::judge::outcome> outcomes(std::string_view marks) {
    using proximal::judge::verdict;
    std::vector<proximal::judge::outcome> found;
    for (char const mark : marks)
        found.push_back({.id = std::to_string(found.size()),
                         .result = mark == 'W'   ? verdict::win
                                   : mark == 'L' ? verdict::loss
                                   : mark == 'T' ? verdict::tie
                                                 : verdict::failure});
    return found;
}

}  // namespace judge_test
