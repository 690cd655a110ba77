// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/hana/tuple.hpp>
#include <type_traits>

namespace proximal {

/// What a composition is made of: a composer names its members that are parts, or Hana tuples of parts.
///
///     template <class Part>
///     struct doubled {
///         Part part{};
///         static constexpr auto composes = composed_of(&doubled::part);
///         ...
///     };
///
/// Knobs, switches, tables and messages find the parts there, in this order. What declares no `composes` is one part,
/// whatever its members are called. A composer that hands a rollout or an experience on declares how as well,
///
///     static constexpr auto pass(auto& whole, auto const& input, auto const& run) { return run(whole.part, input); }
///
/// which runs each of its parts by run(part, input): so the parts may learn (evaluate_and_adapt), and a message names
/// the part it is about. Its operator() is pass(*this, input, run_part{}). A composer that can be switched off declares
/// `switched_by`, its member of type bool.
template <class... Member>
constexpr auto composed_of(Member... members) {
    return boost::hana::make_tuple(members...);
}

template <class Whole>
concept Composer = requires {
    std::remove_cv_t<Whole>::composes;
};

/// What runs a part, where nothing is added to it: how the compiler asks whether a composer hands an input on.
struct run_alone {
    constexpr auto operator()(auto const& part, auto const& input) const { return part(input); }
};

/// A composer that hands its input from part to part.
template <class Whole, class Input>
concept PassesOn = Composer<Whole> && requires(Whole& whole, Input const& input) {
    Whole::pass(whole, input, run_alone{});
};

}  // namespace proximal
