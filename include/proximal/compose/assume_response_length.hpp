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

}  // namespace proximal
