// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <proximal/compose/reflect.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>

namespace proximal {

/// The value of an algorithm's first knob of this name; none where no part has one. A part that is switched off counts.
template <class Part>
std::optional<double> find_knob(Part const& part, std::string_view name) {
    std::optional<double> found;
    visit_knobs(part, [&](std::string_view, auto const& knob, auto const& value) {
        if constexpr (std::is_arithmetic_v<std::remove_cvref_t<decltype(value)>>)
            if (!found && knob.name == name) found = static_cast<double>(value);
    });
    return found;
}

/// How many responses to each prompt an algorithm compares: its parts' group_size, 1 where none has one.
/// Throws std::invalid_argument where two parts disagree.
template <class Algorithm>
int group_size_of(Algorithm const& algorithm) {
    std::optional<double> size;
    visit_knobs(algorithm, [&](std::string_view part, auto const& knob, auto const& value) {
        if constexpr (std::is_arithmetic_v<std::remove_cvref_t<decltype(value)>>) {
            if (knob.name != "group_size") return;
            if (size && *size != static_cast<double>(value))
                throw std::invalid_argument("--group_size is " + number_text(*size) + " in one part and " +
                                            number_text(static_cast<double>(value)) + " in " + std::string(part) +
                                            ": give all parts the same");
            size = static_cast<double>(value);
        }
    });
    return static_cast<int>(size.value_or(1.0));
}

/// Gives an algorithm's knobs the values of those of the same name in `config`; one that is not set there stays.
template <class Algorithm, Reflected Config>
void copy_knobs(Config const& config, Algorithm& algorithm) {
    visit_knobs(config, [&](std::string_view, auto const& from, auto const& value) {
        visit_knobs(algorithm, [&](std::string_view, auto const& to, auto& knob) {
            using Value = std::remove_cvref_t<decltype(value)>;
            using Knob = std::remove_cvref_t<decltype(knob)>;
            if (from.name != to.name) return;
            if constexpr (requires { value.has_value(), *value; }) {
                if constexpr (std::is_convertible_v<typename Value::value_type, Knob>)
                    if (value) knob = static_cast<Knob>(*value);
            } else if constexpr (std::is_convertible_v<Value, Knob>) {
                knob = static_cast<Knob>(value);
            }
        });
    });
}

}  // namespace proximal
