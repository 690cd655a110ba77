// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <proximal/compose/reflect.hpp>
#include <proximal/compose/refuse_absent.hpp>
#include <proximal/compose/refuse_misshapen.hpp>
#include <proximal/composer.hpp>
#include <proximal/numeric/symbol.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>

namespace proximal {

/// Refuses a rollout or an experience that a part cannot read: which lacks an array, or, where the arrays say so, whose
/// arrays do not go together. Throws std::invalid_argument with the array's and the part's name.
template <class Part, class Input>
constexpr void refuse_unreadable(Part const& part, Input const& input) {
    if constexpr (Recorded<Input>) {
        using Array = std::remove_cvref_t<decltype(input.mask)>;
        refuse_absent(part, input);
        if constexpr (TellsShape<Array>) refuse_misshapen(part, input);
        if constexpr (TellsMask<Array>) refuse_other_masks(part, input);
    }
}

/// part(input). What an array refuses inside, as rows that do not divide into groups, is told with the part's name:
/// "proximal: rloo: 5 rows do not divide into groups of 2".
template <class Part, class Input>
constexpr auto run_named(Part const& part, Input const& input) {
    if constexpr (requires { requires std::same_as<std::remove_cvref_t<decltype(input.mask)>, symbol>; }) {
        return part(input);
    } else {
        try {
            return part(input);
        } catch (std::invalid_argument const& error) {
            std::string_view const text = error.what(), ours = "proximal: ";
            if (!text.starts_with(ours)) throw;
            throw std::invalid_argument(std::string(ours) + std::string(part_name<Part>()) + ": " +
                                        std::string(text.substr(ours.size())));
        }
    }
}

/// Runs a part as part(input) does, and refuses by name what the part cannot read. What a composer's `pass` is called
/// with, where nothing else is to be done.
struct run_part {
    template <class Part, class Input>
    constexpr auto operator()(Part const& part, Input const& input) const {
        if constexpr (PassesOn<Part const, Input>) {
            return Part::pass(part, input, *this);
        } else {
            refuse_unreadable(part, input);
            return run_named(part, input);
        }
    }
};

}  // namespace proximal
