// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>
#include <proximal/compose/reflect.hpp>
#include <proximal/run/flag_value.hpp>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace proximal::run {

/// A knob whose type is not known: what a flag, a record or a table needs of it. It refers to the part that it is of,
/// which must stay where it is.
struct any_knob {
    std::string name, part, meaning, default_text;
    bool is_bool = false;
    std::function<void(std::string_view text)> read;  // sets it; throws std::invalid_argument as read_flag does
    std::function<nlohmann::ordered_json()> value;    // as it stands; null where it is not set, or its part is off
};

/// A knob's value as JSON; null where it is not set.
template <class T>
nlohmann::ordered_json knob_json(T const& value) {
    nlohmann::ordered_json json;
    if constexpr (is_optional<T>) {
        if (value) json = *value;
    } else {
        json = value;
    }
    return json;
}

/// The knobs of a configuration or of an algorithm, in order, and its switches (see visit_switches): a switch is a knob
/// of its part's name; where the part has a knob of that name, giving the knob a value turns the part on, and "none"
/// off.
template <class Part>
std::vector<any_knob> any_knobs(Part& whole) {
    std::vector<any_knob> knobs;
    visit_knobs(whole, [&](std::string_view part, auto const& knob, auto& value) {
        std::string const name(knob.name);
        using Value = std::remove_cvref_t<decltype(value)>;
        knobs.push_back({.name = name,
                         .part = std::string(part),
                         .meaning = std::string(knob.meaning),
                         .default_text = flag_text(value),
                         .is_bool = std::is_same_v<Value, bool>,
                         .read = [&value, name](std::string_view text) { read_flag(value, name, text); },
                         .value = [&value] { return knob_json(value); }});
    });
    visit_switches(whole, [&](std::string_view part, bool& enabled) {
        std::string const name(part);
        auto const known = std::find_if(knobs.begin(), knobs.end(), [&](any_knob const& k) { return k.name == name; });
        if (known == knobs.end()) {
            knobs.push_back({.name = name,
                             .part = name,
                             .meaning = "whether " + name + " takes part",
                             .default_text = flag_text(enabled),
                             .is_bool = true,
                             .read = [&enabled, name](std::string_view text) { read_flag(enabled, name, text); },
                             .value = [&enabled]() -> nlohmann::ordered_json { return enabled; }});
            return;
        }
        if (!enabled) known->default_text = "none";
        known->read = [&enabled, read = known->read](std::string_view text) {
            enabled = text != "None" && text != "none";
            if (enabled) read(text);
        };
        known->value = [&enabled, value = known->value]() -> nlohmann::ordered_json {
            return enabled ? value() : nlohmann::ordered_json();
        };
    });
    return knobs;
}

}  // namespace proximal::run
