// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

namespace proximal::run {

/// A seed of its own for every use of chance in a run, so that one never shifts another.
///
/// Source: FNV-1a of the purpose, started from the run's seed.
constexpr std::uint64_t stream_seed(std::uint64_t seed, std::string_view purpose) {
    std::uint64_t hash = 0xcbf29ce484222325u ^ seed;
    for (char const c : purpose) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
    return hash;
}

}  // namespace proximal::run
