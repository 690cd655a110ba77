// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace proximal::text::utf8 {

/// What stands at one place of bytes that may be broken: a character of `size` bytes, or (`valid` false) the longest
/// part there that could have begun one.
struct step {
    std::size_t size;
    bool valid;
};

inline step step_at(std::string_view bytes, std::size_t at) {
    auto const byte = [&](std::size_t i) -> unsigned {
        return at + i < bytes.size() ? static_cast<unsigned char>(bytes[at + i]) : 0u;
    };
    auto const lead = byte(0);
    if (lead < 0x80) return {1, true};
    std::size_t const size = lead < 0xC2 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 0;
    if (size == 0) return {1, false};
    unsigned low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;   // no overlong forms
    unsigned high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;  // no surrogates, nothing past U+10FFFF
    for (std::size_t i = 1; i < size; ++i, low = 0x80, high = 0xBF)
        if (byte(i) < low || byte(i) > high) return {i, false};
    return {size, true};
}

/// The place of the first byte that is no UTF-8, if there is one.
inline std::optional<std::size_t> first_invalid(std::string_view bytes) {
    for (std::size_t at = 0; at < bytes.size();) {
        auto const [size, valid] = step_at(bytes, at);
        if (!valid) return at;
        at += size;
    }
    return std::nullopt;
}

/// The bytes as UTF-8, with U+FFFD for each longest ill-formed part: the Unicode standard's recommended practice, which
/// Rust's from_utf8_lossy and Python's errors="replace" follow too.
inline std::string lossy(std::string_view bytes) {
    std::string text;
    text.reserve(bytes.size());
    for (std::size_t at = 0; at < bytes.size();) {
        auto const [size, valid] = step_at(bytes, at);
        text += valid ? bytes.substr(at, size) : std::string_view("\xEF\xBF\xBD");
        at += size;
    }
    return text;
}

/// The character that begins at `at` of well-formed UTF-8, and its length in bytes.
struct character {
    char32_t value;
    std::size_t size;
};
inline character character_at(std::string_view text, std::size_t at) {
    auto const byte = [&](std::size_t i) { return static_cast<char32_t>(static_cast<unsigned char>(text[at + i])); };
    auto const lead = byte(0);
    if (lead < 0x80) return {lead, 1};
    if (lead < 0xE0) return {(lead & 0x1F) << 6 | (byte(1) & 0x3F), 2};
    if (lead < 0xF0) return {(lead & 0x0F) << 12 | (byte(1) & 0x3F) << 6 | (byte(2) & 0x3F), 3};
    return {(lead & 0x07) << 18 | (byte(1) & 0x3F) << 12 | (byte(2) & 0x3F) << 6 | (byte(3) & 0x3F), 4};
}
inline character character_before(std::string_view text, std::size_t end) {
    auto at = end - 1;
    while ((static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) --at;
    return character_at(text, at);
}

inline void append(std::string& text, char32_t value) {
    auto const put = [&](char32_t byte) { text += static_cast<char>(static_cast<unsigned char>(byte)); };
    if (value < 0x80) return put(value);
    if (value < 0x800) return put(0xC0 | value >> 6), put(0x80 | (value & 0x3F));
    if (value < 0x10000) return put(0xE0 | value >> 12), put(0x80 | (value >> 6 & 0x3F)), put(0x80 | (value & 0x3F));
    put(0xF0 | value >> 18), put(0x80 | (value >> 12 & 0x3F)), put(0x80 | (value >> 6 & 0x3F)),
        put(0x80 | (value & 0x3F));
}

}  // namespace proximal::text::utf8
