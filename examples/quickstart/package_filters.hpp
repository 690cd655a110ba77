// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <proximal/text/regex.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "words.hpp"

namespace proximal::quickstart {

inline bool matches(text::regex const& pattern, std::string_view text) {
    bool found = false;
    pattern.for_each_match(text, [&](std::size_t, std::size_t) { found = true; });
    return found;
}

/// Packages whose name says that they belong to another one of the same source.
inline bool is_sibling(std::string_view name) {
    static text::regex const pattern(
        "-(dev|doc|docs|dbg|dbgsym|data|common|examples?|tests?|bin|utils|tools|l10n|locales?|headers|source|plugins?|"
        "demo|"
        "el|cil|java|perl)$");
    return matches(pattern, name);
}

/// Families of packages whose descriptions are all alike.
inline bool is_of_a_series(std::string_view name) {
    static text::regex const pattern(
        "^(libreoffice-(l10n|help)-|task-|hunspell|aspell|myspell|hyphen|mythes|firefox-esr-l10n|thunderbird-l10n|kde-"
        "l10n|"
        "fonts-noto|manpages|linux-(image|headers)|gcc-[0-9]|g\\+\\+-|librust-.*\\+)");
    return matches(pattern, name);
}

/// Summaries of packages that hold nothing of their own.
inline bool says_nothing(std::string_view synopsis) {
    static text::regex const pattern(
        "(?i)transitional|dummy|meta-?package|debug(ging)? symbols|dependency package|virtual package|\\bempty\\b|"
        "Rust source code$|^Haskell .*documentation|; (documentation|profiling libraries)$");
    return matches(pattern, synopsis);
}

/// The description without its end from where it only says which part of a source this package is.
inline std::string without_boilerplate(std::string text) {
    static std::vector<text::regex> const beginnings = {
        text::regex("(?i)\\bThis (package|metapackage) (contains|provides|includes|installs|ships|is)\\b"),
        text::regex("(?i)\\bThis is (the|a) (transitional|dummy|documentation|development)\\b"),
        text::regex("(?i)\\bSource code for Debianized Rust crate\\b")};
    for (auto const& beginning : beginnings) {
        auto end = text.size();
        beginning.for_each_match(text, [&](std::size_t begin, std::size_t) { end = std::min(end, begin); });
        text.resize(end);
    }
    return one_spaced(text);
}

/// What near-duplicates share: the Latin letters in lower case, what stands in parentheses left out.
inline std::string letters(std::string const& text) {
    auto const lower = text::lowercase(text);
    std::string out;
    for (std::size_t i = 0; i < lower.size(); ++i) {
        if (auto const close = lower[i] == '(' ? lower.find(')', i) : std::string::npos; close != std::string::npos)
            i = close;
        else if (lower[i] >= 'a' && lower[i] <= 'z') out += lower[i];
        else if (!out.empty() && out.back() != ' ') out += ' ';
    }
    if (!out.empty() && out.back() == ' ') out.pop_back();
    return out;
}

/// Whether a summary and its description are of use: of a length to learn from, and hardly anything but ASCII.
inline bool is_usable(std::string const& synopsis, std::string const& body) {
    auto const length = characters(synopsis);
    auto const count = static_cast<std::size_t>(std::count(synopsis.begin(), synopsis.end(), ' ')) + 1;
    if (length < 15 || length > 80 || count < 3 || count > 14 || characters(body) < 80) return false;
    std::size_t beyond_ascii = 0;
    for (auto const& text : {body, synopsis})
        for (unsigned char const c : text) beyond_ascii += c == 0x7F || c >= 0xC0;  // a first byte for each character
    return static_cast<double>(beyond_ascii) <= 0.02 * static_cast<double>(characters(body));
}

}  // namespace proximal::quickstart
