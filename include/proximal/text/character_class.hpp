// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <utf8proc.h>

#include <proximal/text/younger_characters.hpp>

namespace proximal::text::character_class {

inline utf8proc_category_t category(char32_t c) { return utf8proc_category(static_cast<utf8proc_int32_t>(c)); }

/// Unicode's White_Space.
inline bool is_whitespace(char32_t c) {
    return (c >= 0x09 && c <= 0x0D) || c == 0x20 || c == 0x85 || c == 0xA0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

/// Nd, Nl and No.
inline bool is_numeric(char32_t c) {
    auto const k = category(c);
    return k == UTF8PROC_CATEGORY_ND || k == UTF8PROC_CATEGORY_NL || k == UTF8PROC_CATEGORY_NO;
}

/// ASCII's punctuation, symbols such as `$` and `+` among it, and Unicode's P categories as Hugging Face knows them.
inline bool is_punctuation(char32_t c) {
    if (c < 0x80)
        return (c > 0x20 && c < 0x30) || (c > 0x39 && c < 0x41) || (c > 0x5A && c < 0x61) || (c > 0x7A && c < 0x7F);
    auto const k = category(c);
    bool const by_category = k >= UTF8PROC_CATEGORY_PC && k <= UTF8PROC_CATEGORY_PO;
    return c == 0x166D || c == 0x111C9 ||
           (by_category && !younger_characters::holds(younger_characters::in_punctuation, c));
}

/// `\w` of Rust's regex: Alphabetic, M, Nd, Pc and the two joiners.
inline bool is_word(char32_t c) {
    auto const k = category(c);
    bool const circled_letter = (c >= 0x24B6 && c <= 0x24E9) || (c >= 0x1F130 && c <= 0x1F149) ||
                                (c >= 0x1F150 && c <= 0x1F169) || (c >= 0x1F170 && c <= 0x1F189);
    return (k >= UTF8PROC_CATEGORY_LU && k <= UTF8PROC_CATEGORY_NL) || k == UTF8PROC_CATEGORY_PC || circled_letter ||
           c == 0x200C || c == 0x200D;
}

}  // namespace proximal::text::character_class
