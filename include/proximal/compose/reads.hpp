// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/hana/unpack.hpp>
#include <proximal/compose/total.hpp>
#include <type_traits>

namespace proximal {

/// What a loss formula and its metrics read of a token whose `score` alone has a source.
template <class Formula>
constexpr symbol reads_of_score(Formula const& formula) {
    token<symbol> token;
    token.score = source::score;
    auto const all = contribution(formula, token);
    return boost::hana::unpack(all.metrics, [&](auto const&... metric) { return together(all.loss, metric.value...); });
}

/// Whether a loss reads the score of a token's response: a backend then spreads scores [B] over their tokens. True as
/// well where a formula is not constexpr, since it cannot be asked.
template <class Formula>
inline constexpr bool reads_score = true;
/// The answer where the formula can be asked.
template <class Formula>
    requires requires { typename std::bool_constant<(reads_of_score(std::remove_cvref_t<Formula>{}), true)>; }
inline constexpr bool reads_score<Formula> = reads_of_score(std::remove_cvref_t<Formula>{}).reads(source::score);

}  // namespace proximal
