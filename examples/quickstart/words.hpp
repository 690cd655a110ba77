// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <proximal/text/character_class.hpp>
#include <proximal/text/normalizer.hpp>
#include <proximal/text/utf8.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace proximal::quickstart {

/// The text with every run of white space as one space, none at its ends.
inline std::string one_spaced(std::string_view text) {
    std::string out;
    bool space = false;
    for (std::size_t at = 0; at < text.size();) {
        auto const [value, size] = text::utf8::character_at(text, at);
        if (text::character_class::is_whitespace(value)) {
            space = !out.empty();
        } else {
            if (space) out += ' ';
            space = false;
            out += text.substr(at, size);
        }
        at += size;
    }
    return out;
}

inline std::size_t characters(std::string_view text) {
    std::size_t n = 0;
    for (char const c : text) n += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
    return n;
}

/// The maximal runs of letters, digits and `+#.'-`, in lower case.
inline std::vector<std::string> words(std::string const& text) {
    std::vector<std::string> out;
    bool inside = false;
    for (char const c : text::lowercase(text)) {
        bool const is_word = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                             std::string_view("+#.'-").find(c) != std::string_view::npos;
        if (is_word && !inside) out.emplace_back();
        if (is_word) out.back() += c;
        inside = is_word;
    }
    return out;
}

}  // namespace proximal::quickstart
