// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <charconv>
#include <cmath>
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
            parsed = text == "true" || text == "True" || text == "1";
            read = parsed || text == "false" || text == "False" || text == "0";
        } else {
            auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), parsed);
            read = error == std::errc{} && end == text.data() + text.size();
            if constexpr (std::is_integral_v<T>) {  // "1000.0" and "1e3" are whole numbers too
                double number = 0.0;
                auto const [stop, trouble] = std::from_chars(text.data(), text.data() + text.size(), number);
                bool const whole = trouble == std::errc{} && stop == text.data() + text.size() &&
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
