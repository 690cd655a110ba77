// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace proximal::run {

/// CRC-32C (Castagnoli), the checksum of TFRecord files: reflected polynomial 0x82F63B78.
inline std::uint32_t crc32c(std::string_view data) {
    static constexpr auto table = [] {
        std::array<std::uint32_t, 256> entries{};
        for (std::uint32_t i = 0; i < 256; ++i) {
            std::uint32_t crc = i;
            for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0x82F63B78u : 0u);
            entries[i] = crc;
        }
        return entries;
    }();
    std::uint32_t crc = ~0u;
    for (char c : data) crc = crc >> 8 ^ table[(crc ^ static_cast<unsigned char>(c)) & 0xFF];
    return ~crc;
}

namespace detail {
inline std::string masked_checksum(std::string_view data) {
    std::uint32_t const crc = crc32c(data), masked = (crc >> 15 | crc << 17) + 0xA282EAD8u;
    return {reinterpret_cast<char const*>(&masked), sizeof masked};
}
}  // namespace detail

/// Bytes framed as a TFRecord: length, its masked checksum, the bytes, their masked checksum.
/// Source: tensorflow/core/lib/io/record_writer.h.
inline std::string tf_record(std::string_view bytes) {
    std::uint64_t const size = bytes.size();
    std::string const length(reinterpret_cast<char const*>(&size), sizeof size);
    return length + detail::masked_checksum(length) + std::string(bytes) + detail::masked_checksum(bytes);
}

/// What the TFRecords of a file hold, up to the first that is cut off or does not match its checksums.
inline std::vector<std::string_view> tf_records(std::string_view file) {
    std::vector<std::string_view> records;
    while (file.size() >= 16) {
        std::uint64_t size = 0;
        std::memcpy(&size, file.data(), sizeof size);
        if (file.substr(8, 4) != detail::masked_checksum(file.substr(0, 8)) || size > file.size() - 16) break;
        auto const bytes = file.substr(12, size);
        if (file.substr(12 + size, 4) != detail::masked_checksum(bytes)) break;
        records.push_back(bytes);
        file.remove_prefix(16 + size);
    }
    return records;
}

}  // namespace proximal::run
