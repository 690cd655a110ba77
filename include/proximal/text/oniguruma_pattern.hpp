// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <pcre2.h>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace proximal::text {

/// Whether a property names a script. PCRE2 takes a bare name for Script_Extensions, Oniguruma for Script: U+3001 is
/// Han by the one and not by the other.
inline bool is_script(std::string_view name) {
    auto const pattern = "\\p{sc:" + std::string(name) + "}";
    int error = 0;
    PCRE2_SIZE at = 0;
    auto* const code =
        ::pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(), PCRE2_UTF, &error, &at, nullptr);
    ::pcre2_code_free(code);
    return code != nullptr;
}

/// A pattern of tokenizer.json, which Hugging Face runs by Oniguruma, as PCRE2 (UTF, UCP, MULTILINE) means the same.
///
/// `\s` is White_Space (PCRE2 adds U+180E), `\w` Alphabetic, M, Nd, Pc and Latin-1's ²³¹¼½¾ (PCRE2 knows L, N and _
/// only), `\h` a hexadecimal digit, `(?m)` lets the dot match newlines. What has no faithful translation (`\W` or `\H`
/// in a set, sets and POSIX brackets in sets, `&&`, `{n,m}+`, `\K`, `\R`, `\X` and rarer escapes) is refused.
/// Throws std::invalid_argument naming the construct.
inline std::string from_oniguruma(std::string_view pattern) {
    static constexpr std::string_view word =
        "\\p{L}\\p{M}\\p{Nd}\\p{Nl}\\p{Pc}\\xB2\\xB3\\xB9\\xBC-\\xBE\\x{24B6}-\\x{24E9}\\x{1F130}-\\x{1F149}\\x{1F150}-"
        "\\x{1F169}\\x{1F170}-\\x{1F189}";
    static constexpr std::array<std::pair<char, std::string_view>, 4> in_both = {
        {{'s', "\\p{White_Space}"}, {'S', "\\P{White_Space}"}, {'d', "\\p{Nd}"}, {'D', "\\P{Nd}"}}};
    auto const refuse = [&](std::string_view what) {
        throw std::invalid_argument(fmt::format(
            "the pattern '{}' uses {}, which has no faithful translation from Oniguruma to PCRE2: write it otherwise",
            pattern, what));
    };
    std::string out;
    bool in_class = false;
    for (std::size_t i = 0; i < pattern.size(); ++i) {
        char const c = pattern[i];
        if (c == '\\') {
            if (++i == pattern.size()) refuse("a last backslash");
            char const e = pattern[i];
            std::string_view same;
            for (auto const& [letter, translation] : in_both)
                if (e == letter) same = translation;
            if (!same.empty()) out += same;
            else if (e == 'w') out += in_class ? std::string(word) : fmt::format("[{}]", word);
            else if (e == 'h') out += in_class ? "0-9A-Fa-f" : "[0-9A-Fa-f]";
            else if (e == 'W' && !in_class) out += fmt::format("[^{}]", word);
            else if (e == 'H' && !in_class) out += "[^0-9A-Fa-f]";
            else if (e == 'b' && !in_class) out += fmt::format("(?:(?<=[{0}])(?![{0}])|(?<![{0}])(?=[{0}]))", word);
            else if (e == 'B' && !in_class) out += fmt::format("(?:(?<=[{0}])(?=[{0}])|(?<![{0}])(?![{0}]))", word);
            else if (std::string_view("WHRXKGNOyYgkQEvV").find(e) != std::string_view::npos)
                refuse(fmt::format("\\{}", e));
            else {
                auto const braced = (e == 'p' || e == 'P' || e == 'x') && pattern.substr(i + 1, 1) == "{";
                auto const last = braced ? std::min(pattern.find('}', i), pattern.size() - 1) : i;
                auto property = pattern.substr(i, last + 1 - i);  // p{Han}
                out += '\\';
                if (braced && e != 'x') {
                    out += property.substr(0, 2), property.remove_prefix(2);
                    if (property.starts_with('^')) out += '^', property.remove_prefix(1);
                    if (is_script(property.substr(0, property.size() - 1))) out += "sc:";
                }
                out += property;
                i = last;
            }
        } else if (in_class) {
            if (c == '[') refuse("a set or a POSIX bracket in a set");
            if (pattern.substr(i, 2) == "&&") refuse("&&");
            in_class = c != ']';
            out += c;
        } else if (c == '[') {
            in_class = true;
            out += c;
            if (i + 1 < pattern.size() && pattern[i + 1] == '^') out += pattern[++i];
            if (i + 1 < pattern.size() && pattern[i + 1] == ']') out += "\\]", ++i;
        } else if (pattern.substr(i, 2) == "(?" && i + 2 < pattern.size() &&
                   (std::isalpha(static_cast<unsigned char>(pattern[i + 2])) || pattern[i + 2] == '-')) {
            out += "(?";
            for (i += 2; i < pattern.size() && pattern[i] != ':' && pattern[i] != ')'; ++i)
                if (pattern[i] == 'm') out += 's';
                else if (pattern[i] == 'i' || pattern[i] == 'x' || pattern[i] == '-') out += pattern[i];
                else refuse(fmt::format("the option (?{})", pattern[i]));
            if (i < pattern.size()) out += pattern[i];
        } else {
            bool const interval_end = c == '}' && i + 1 < pattern.size() && pattern[i + 1] == '+';
            if (interval_end) refuse("{n,m}+");
            out += c;
        }
    }
    return out;
}

}  // namespace proximal::text
