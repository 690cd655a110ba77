// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <proximal/compose/reflect.hpp>
#include <type_traits>

namespace proximal {

/// A part with a knob that is the length of the longest response, unless somebody gives it a value: it takes that
/// length by `constexpr void assume_response_length(double tokens)`. Models: overlong_penalty, token_sum.
template <class Part>
concept AssumesResponseLength = requires(Part& part) {
    part.assume_response_length(1.0);
};

/// Tells an algorithm's parts how long a response of this run may be, in tokens.
template <class Part>
constexpr void assume_response_length(Part& whole, double tokens) {
    if constexpr (AssumesResponseLength<Part>) whole.assume_response_length(tokens);
    visit_parts(whole, [tokens](auto& part) { assume_response_length(part, tokens); });
}

/// A part whose knobs mean something for responses of some lengths alone: it refuses those that would never act, or
/// always, by `constexpr void check_response_length(double longest) const`, which throws std::invalid_argument.
/// Models: overlong_penalty, minimum_length.
template <class Part>
concept ChecksResponseLength = requires(Part const& part) {
    part.check_response_length(1.0);
};

/// Asks every part that takes part whether its knobs suit responses of at most so many tokens. Throws
/// std::invalid_argument where one's do not.
template <class Part>
constexpr void check_response_length(Part const& whole, double longest) {
    if constexpr (requires { Part::switched_by; })
        if (!(whole.*Part::switched_by)) return;
    if constexpr (ChecksResponseLength<Part>) whole.check_response_length(longest);
    visit_parts(whole, [longest](auto const& part) { check_response_length(part, longest); });
}

}  // namespace proximal
