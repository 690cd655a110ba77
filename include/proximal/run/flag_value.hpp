// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <optional>
#include <proximal/knob.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>

namespace proximal::run {

/// What a flag of this type expects, in a user's words.
template <class T>
constexpr std::string_view flag_type() {
    if constexpr (is_optional<T>) return flag_type<typename T::value_type>();
    else if constexpr (std::is_same_v<T, bool>) return "true or false";
    else if constexpr (std::is_unsigned_v<T>) return "a whole number, 0 or more";
    else if constexpr (std::is_integral_v<T>) return "a whole number";
    else if constexpr (std::is_floating_point_v<T>) return "a number";
    else return "text";
}

/// A number's text without the plus and the underscores that Python allows, "+1_000".
inline std::string plain_number(std::string_view text) {
    auto const is_digit = [&](std::size_t i) { return i < text.size() && text[i] >= '0' && text[i] <= '9'; };
    if (text.starts_with('+') && (is_digit(1) || text.substr(1).starts_with('.'))) text.remove_prefix(1);
    std::string plain;
    for (std::size_t i = 0; i < text.size(); ++i)
        if (!(text[i] == '_' && i > 0 && is_digit(i - 1) && is_digit(i + 1))) plain += text[i];
    return plain;
}

/// A bool by any word that transformers or YAML 1.1 has for it, in small letters or large ones; nothing for another.
inline std::optional<bool> truth(std::string_view text) {
    std::string lower(text.size(), ' ');
    std::transform(text.begin(), text.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
    for (auto const* const word : {"true", "yes", "on", "t", "y", "1"})
        if (lower == word) return true;
    for (auto const* const word : {"false", "no", "off", "f", "n", "0"})
        if (lower == word) return false;
    return std::nullopt;
}

/// Reads a flag's text; the whole text must be of the type. Throws std::invalid_argument naming flag, type and text.
template <class T>
void read_flag(T& value, std::string_view flag, std::string_view text) {
    if constexpr (is_optional<T>) {
        if (text == "None" || text == "none") value.reset();  // Python's spelling of "not set"
        else read_flag(value.emplace(), flag, text);
    } else if constexpr (std::is_same_v<T, std::string>) {
        value = text;
    } else {
        T parsed{};
        bool read = false;
        if constexpr (std::is_same_v<T, bool>) {
            auto const word = truth(text);
            read = word.has_value();
            parsed = word.value_or(false);
        } else {
            auto const plain = plain_number(text);
            auto const [end, error] = std::from_chars(plain.data(), plain.data() + plain.size(), parsed);
            read = error == std::errc{} && end == plain.data() + plain.size();
            if constexpr (std::is_integral_v<T>) {  // "1000.0" and "1e3" are whole numbers too
                double number = 0.0;
                auto const [stop, trouble] = std::from_chars(plain.data(), plain.data() + plain.size(), number);
                bool const whole = trouble == std::errc{} && stop == plain.data() + plain.size() &&
                                   std::abs(number) < 9e15 && number == std::floor(number) &&
                                   (number >= 0.0 || std::is_signed_v<T>);
                if (!read && whole) parsed = static_cast<T>(number), read = true;
            }
        }
        if (!read) throw std::invalid_argument(fmt::format("--{} expects {}, not '{}'", flag, flag_type<T>(), text));
        value = parsed;
    }
}

/// How a value is written in help and reports.
template <class T>
std::string flag_text(T const& value) {
    if constexpr (is_optional<T>) return value ? flag_text(*value) : "none";
    else return fmt::format("{}", value);
}

}  // namespace proximal::run
