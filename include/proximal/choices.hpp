// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace proximal {

/// The words a knob accepts, with ", " between them: {"tensorboard, none"}. The default accepts any text.
struct choices {
    std::string_view words;

    constexpr bool contains(std::string_view word) const {
        if (words.empty()) return true;
        for (std::string_view rest = words;;) {
            auto const comma = rest.find(", ");
            if (rest.substr(0, comma) == word) return true;
            if (comma == std::string_view::npos) return false;
            rest.remove_prefix(comma + 2);
        }
    }
};

/// "one of tensorboard, none"
inline std::string describe(choices const& accepted) {
    return accepted.words.empty() ? "text" : "one of " + std::string(accepted.words);
}

}  // namespace proximal
