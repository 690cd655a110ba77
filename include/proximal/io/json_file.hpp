// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace proximal::io {

/// A whole JSON file. Throws std::runtime_error, naming the file, where it cannot be read or is no JSON.
inline nlohmann::json read_json(std::filesystem::path const& path) {
    std::ifstream in(path, std::ios::binary);
    if (!in)
        throw std::runtime_error(
            fmt::format("{} cannot be read; check that it exists and may be opened", path.string()));
    try {
        return nlohmann::json::parse(in);
    } catch (nlohmann::json::exception const& error) {
        throw std::runtime_error(
            fmt::format("{} is no valid JSON ({}); fetch or write it again", path.string(), error.what()));
    }
}

}  // namespace proximal::io
