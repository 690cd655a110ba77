// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <concepts>
#include <functional>
#include <iterator>
#include <proximal/compose/reflect.hpp>
#include <proximal/run/flag_value.hpp>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace proximal::run {

/// A knob whose type is not known: what a flag, a record or a table needs of it. It refers to the part that it is of,
/// which must stay where it is.
struct any_knob {
    std::string name, part, meaning, default_text, accepts;  // accepts: "at least 0"
    std::string type{}, details{};                           // type: "a number"
    bool is_bool = false, is_text = false;                   // or a number
    bool can_be_unset = false;                               // then its text may be "none"
    std::function<void(std::string_view text)> read;         // sets it; throws std::invalid_argument as read_flag does
    std::function<std::string()> text;  // as it stands; "none" where it is not set, or its part is off
    std::function<void()> check;        // throws as validate does, where the value is not accepted
};

/// A value as a knob of that name.
template <class Value>
any_knob knob_for(Value& value, std::string_view name, std::string_view part, std::string_view meaning,
                  std::string accepts) {
    return {.name = std::string(name),
            .part = std::string(part),
            .meaning = std::string(meaning),
            .default_text = flag_text(value),
            .accepts = std::move(accepts),
            .type = std::string(flag_type<Value>()),
            .is_bool = flag_type<Value>() == flag_type<bool>(),
            .is_text = flag_type<Value>() == flag_type<std::string>(),
            .can_be_unset = is_optional<Value>,
            .read = [&value, flag = std::string(name)](std::string_view text) { read_flag(value, flag, text); },
            .text = [&value] { return flag_text(value); },
            .check = [] {}};
}

/// Refuses knobs of one name that are not one: a flag sets all of them, and a run's record keeps one value. Throws
/// std::invalid_argument naming both parts.
inline void refuse_clashes(std::vector<any_knob> const& knobs) {
    for (auto const& knob : knobs) {
        auto const& first =
            *std::find_if(knobs.begin(), knobs.end(), [&](auto const& k) { return k.name == knob.name; });
        auto const refuse = [&](std::string const& how) {
            throw std::invalid_argument("the parts " + first.part + " and " + knob.part + " both have a knob " +
                                        knob.name + ", " + how);
        };
        if (first.type != knob.type)
            refuse(first.type + " in one and " + knob.type + " in the other: give one of them another name");
        if (first.text() != knob.text())
            refuse(first.text() + " in one and " + knob.text() + " in the other, and --" + knob.name +
                   " sets both: give them one value, or one of them another name");
    }
}

/// Refuses a part's knob of a name that a flag of the program's has, unless it is `shared` on purpose: the flag would
/// set both. Throws std::invalid_argument naming the part.
inline void refuse_taken_names(std::vector<any_knob> const& knobs, std::vector<any_knob> const& fields,
                               std::span<std::string_view const> shared) {
    for (auto const& knob : knobs) {
        auto const is_it = [&](auto const& name) { return name == knob.name; };
        static constexpr std::string_view words[] = {"help", "config", "print_config"};
        bool const taken = std::any_of(std::begin(words), std::end(words), is_it) ||
                           std::any_of(fields.begin(), fields.end(), [&](auto const& f) { return is_it(f.name); });
        if (taken && std::none_of(shared.begin(), shared.end(), is_it))
            throw std::invalid_argument("the part " + knob.part + " has a knob " + knob.name + ", and --" + knob.name +
                                        " is the program's: give the knob another name");
    }
}

/// The knobs of a configuration or of an algorithm, in order, and its switches (see visit_switches): a switch is a knob
/// of its part's name; where the part has a knob of that name, giving the knob a value turns the part on, and "none"
/// turns it off. A part may say what its knobs are about, `static constexpr std::string_view concern`, in place of its
/// name. Throws as refuse_clashes does.
template <class Part>
std::vector<any_knob> any_knobs(Part& whole) {
    std::vector<any_knob> knobs;
    visit_knobs(whole, [&](std::string_view part, auto const& knob, auto& value) {
        bool const is_word = flag_type<std::remove_cvref_t<decltype(value)>>() == flag_type<bool>();
        if constexpr (requires { std::remove_cvref_t<decltype(knob)>::part_type::concern; })
            part = std::remove_cvref_t<decltype(knob)>::part_type::concern;
        knobs.push_back(knob_for(value, knob.name, part, knob.meaning,
                                 is_word ? std::string(flag_type<bool>()) : describe(knob.accepts)));
        knobs.back().details = knob.details;
        knobs.back().check = [&knob, &value] { check_knob(knob, value); };
    });
    visit_switches(whole, [&](std::string_view part, bool& enabled) {
        auto const known = std::find_if(knobs.begin(), knobs.end(), [&](any_knob const& k) {
            return k.name == part && k.part == part && !k.can_be_unset && !k.is_bool;  // of two such parts each its own
        });
        if (known == knobs.end()) {
            knobs.push_back(knob_for(enabled, part, part, "whether " + std::string(part) + " takes part",
                                     std::string(flag_type<bool>())));
            return;
        }
        known->can_be_unset = true;
        if (!enabled) known->default_text = "none";
        known->read = [&enabled, read = known->read](std::string_view text) {
            enabled = text != "None" && text != "none";
            if (enabled) read(text);
        };
        known->text = [&enabled, text = known->text] { return enabled ? text() : "none"; };
    });
    refuse_clashes(knobs);
    return knobs;
}

}  // namespace proximal::run
