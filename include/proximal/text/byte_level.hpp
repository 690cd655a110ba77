// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <proximal/text/utf8.hpp>
#include <string>
#include <string_view>

namespace proximal::text::byte_level {

/// GPT-2's pre-tokenizer pattern.
inline constexpr std::string_view pattern =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

/// A visible character for each byte, so that a vocabulary of texts can hold any bytes: printable Latin-1 stands for
/// itself, every other byte, in order, for U+0100, U+0101, ...
///
/// Source: bytes_to_unicode of GPT-2's encoder (Radford et al., 2019).
inline constexpr std::array<char32_t, 256> characters = [] {
    std::array<char32_t, 256> table{};
    char32_t next = 0x100;
    for (std::uint32_t byte = 0; byte < 256; ++byte) {
        bool const printable = (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
        table[byte] = printable ? static_cast<char32_t>(byte) : next++;
    }
    return table;
}();

/// The way back: -1 for a character that stands for no byte.
inline constexpr std::array<std::int16_t, 0x144> bytes = [] {
    std::array<std::int16_t, 0x144> table{};
    table.fill(-1);
    for (std::uint32_t byte = 0; byte < 256; ++byte) table[characters[byte]] = static_cast<std::int16_t>(byte);
    return table;
}();

inline void append_visible(std::string& out, std::string_view raw) {
    for (char const c : raw) utf8::append(out, characters[static_cast<unsigned char>(c)]);
}

/// The bytes that a token's characters stand for; the token's own bytes if one of them stands for none.
inline void append_bytes(std::string& out, std::string_view token) {
    auto const before = out.size();
    for (std::size_t at = 0; at < token.size();) {
        auto const [value, size] = utf8::character_at(token, at);
        if (value >= bytes.size() || bytes[value] < 0) {
            out.resize(before);
            out += token;
            return;
        }
        out += static_cast<char>(static_cast<unsigned char>(bytes[value]));
        at += size;
    }
}

}  // namespace proximal::text::byte_level
