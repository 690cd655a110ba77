// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/hana/for_each.hpp>
#include <nlohmann/json.hpp>
#include <proximal/compose/reflect.hpp>
#include <proximal/run/any_knob.hpp>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

namespace proximal::run {

/// A knob's value as JSON; null where it is not set. JSON has no infinity and no NaN: these are text.
inline nlohmann::json knob_json(any_knob const& knob) {
    auto const text = knob.text();
    if (knob.can_be_unset && text == "none") return nullptr;
    if (knob.is_text) return text;
    auto const parsed = nlohmann::json::parse(text, nullptr, false);
    return parsed.is_discarded() ? nlohmann::json(text) : parsed;
}

/// Knobs as a JSON object, a key per name: of several with one name the first.
inline nlohmann::json knobs_json(std::vector<any_knob> const& knobs) {
    nlohmann::json object = nlohmann::json::object();
    for (auto const& knob : knobs)
        if (!object.contains(knob.name)) object[knob.name] = knob_json(knob);
    return object;
}

/// A reflected struct as a JSON object, a key per knob; what is not set is null.
template <Reflected Config>
nlohmann::json to_json_object(Config const& config) {
    auto copy = config;  // a knob can also be set
    return knobs_json(any_knobs(copy));
}

/// Sets the knobs that a JSON object names; other keys are passed over, other knobs stay. Throws std::invalid_argument
/// naming the key where a value is of the wrong type.
template <Reflected Config>
void read_known_keys(Config& config, nlohmann::json const& object) {
    boost::hana::for_each(Config::knobs, [&](auto const& knob) {
        auto const found = object.find(std::string(knob.name));
        if (found == object.end()) return;
        auto& value = config.*knob.member;
        using Value = std::remove_cvref_t<decltype(value)>;
        try {
            if constexpr (is_optional<Value>) {
                if (found->is_null()) value.reset();
                else value = found->template get<typename Value::value_type>();
            } else {
                value = found->template get<Value>();
            }
        } catch (nlohmann::json::exception const&) {
            throw std::invalid_argument("the key '" + std::string(knob.name) + "' expects " +
                                        std::string(flag_type<Value>()) + ", not " + found->dump());
        }
    });
}

}  // namespace proximal::run
