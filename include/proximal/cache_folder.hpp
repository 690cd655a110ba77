// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdlib>
#include <filesystem>

namespace proximal {

/// Where what was made once is kept: PROXIMAL_CACHE, else XDG_CACHE_HOME/proximal, else ~/.cache/proximal.
/// Without a home folder nowhere: an empty name.
inline std::filesystem::path cache_folder() {
    auto const variable = [](char const* name) {
        auto const* const value = std::getenv(name);
        return std::filesystem::path(value == nullptr ? "" : value);
    };
    if (auto own = variable("PROXIMAL_CACHE"); !own.empty()) return own;
    if (auto const all = variable("XDG_CACHE_HOME"); !all.empty()) return all / "proximal";
    auto const home = variable("HOME");
    return home.empty() ? home : home / ".cache" / "proximal";
}

}  // namespace proximal
