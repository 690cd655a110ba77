// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <string>

namespace proximal::io {

/// A path with `~` at its beginning as the home folder: shells leave it in --flag=~/folder. Another user's (~name) and
/// all else stay as they are.
inline std::filesystem::path expand_user(std::string const& path) {
    auto const* const home = std::getenv("HOME");
    bool const own = path == "~" || path.starts_with("~/");
    return own && home != nullptr && *home != '\0' ? home + path.substr(1) : path;
}

/// The same, and $NAME and ${NAME} as the environment's: how Python reads HF_HOME. Unknown names stay.
inline std::filesystem::path expand_variables(std::string const& path) {
    std::string expanded;
    for (std::size_t i = 0; i < path.size(); ++i) {
        bool const braced = path.compare(i, 2, "${") == 0;
        auto const begin = i + (braced ? 2 : 1);
        auto end = begin;
        while (path[i] == '$' && end < path.size() &&
               (std::isalnum(static_cast<unsigned char>(path[end])) || path[end] == '_'))
            ++end;
        bool const closed = !braced || (end < path.size() && path[end] == '}');
        auto const* const value =
            path[i] == '$' && end > begin && closed ? std::getenv(path.substr(begin, end - begin).c_str()) : nullptr;
        if (value == nullptr) {
            expanded += path[i];
            continue;
        }
        expanded += value;
        i = braced ? end : end - 1;
    }
    return expand_user(expanded);
}

}  // namespace proximal::io
