// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <span>
#include <stdexcept>
#include <vector>

namespace proximal::io {

/// A number that tells a changed byte of a file: FNV-1a over words of 8 bytes, in four lanes, so that it takes hardly
/// longer than to read the file, which is read a megabyte at a time. It guards against damage, not against an attacker.
/// Source: Fowler, Noll and Vo, FNV-1a, 64 bits. Throws std::runtime_error where the file cannot be read.
inline std::uint64_t content_hash(std::filesystem::path const& path) {
    constexpr std::uint64_t offset = 14695981039346656037u, prime = 1099511628211u;
    std::array<std::uint64_t, 4> lanes{offset, offset + 1, offset + 2, offset + 3};
    std::vector<char> bytes(1 << 20);
    std::ifstream in(path, std::ios::binary);
    std::uint64_t size = 0, rest = offset;
    while (in.good()) {
        in.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
        auto const count = static_cast<std::size_t>(in.gcount());
        std::size_t at = 0;
        for (; at + 32 <= count; at += 32) {
            std::array<std::uint64_t, 4> words;
            std::memcpy(words.data(), bytes.data() + at, sizeof words);
            for (std::size_t i = 0; i < 4; ++i) lanes[i] = (lanes[i] ^ words[i]) * prime;
        }
        for (; at < count; ++at) rest = (rest ^ static_cast<unsigned char>(bytes[at])) * prime;  // of the last alone
        size += count;
    }
    if (!in.eof()) throw std::runtime_error(path.string() + " cannot be read; check that it exists and may be opened");
    std::uint64_t hash = rest ^ size;
    for (auto const lane : lanes) hash = (hash ^ lane) * prime;
    return hash;
}

}  // namespace proximal::io
