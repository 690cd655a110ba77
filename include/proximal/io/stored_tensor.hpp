// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace proximal::io {

/// A tensor as it lies in a file: row-major, little-endian; `dtype` in the safetensors spelling ("F32", "BF16", "I64").
/// The bytes belong to someone else: a mapped_file when read, the tensor itself when written.
struct stored_tensor {
    std::string dtype;
    std::vector<std::int64_t> shape;
    std::span<std::byte const> bytes;
};

/// The bytes of one element, or nothing for a dtype that safetensors does not know.
inline std::optional<std::int64_t> stored_bytes(std::string_view dtype) {
    struct entry {
        std::string_view name;
        std::int64_t bytes;
    };
    static constexpr std::array table{entry{"BOOL", 1},    entry{"U8", 1},  entry{"I8", 1},  entry{"F8_E5M2", 1},
                                      entry{"F8_E4M3", 1}, entry{"I16", 2}, entry{"U16", 2}, entry{"F16", 2},
                                      entry{"BF16", 2},    entry{"I32", 4}, entry{"U32", 4}, entry{"F32", 4},
                                      entry{"F64", 8},     entry{"I64", 8}, entry{"U64", 8}};
    for (auto const& [name, bytes] : table)
        if (name == dtype) return bytes;
    return std::nullopt;
}

}  // namespace proximal::io
