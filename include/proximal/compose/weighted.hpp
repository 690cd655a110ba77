// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/compose/total.hpp>
#include <proximal/composer.hpp>
#include <stdexcept>

namespace proximal {

/// A loss term with a coefficient in front: for terms that have no coefficient of their own.
///
///     weighted(c, l)(token) = c · l(token)
///
/// The metrics stay as the term names them, without c. The mean is taken over the term's own domain. The coefficient is
/// a number of the program's text, not a flag; a term that wants one reflects it as a knob.
/// Throws std::invalid_argument where c is NaN or infinite.
template <class Part>
struct weighted {
    static_assert(TokenLoss<Part> && !is_total<Part>,
                  "proximal::weighted: the 2nd argument must be a token loss: a token in, a number out. "
                  "A total(...) weighs its terms one by one: total(weighted(0.5, a{}), b{}). A shaper or an estimator "
                  "has no weight: give its own knobs (kl_coef), or scale its advantages in a part that follows it.");
    static constexpr domain over = domain_of<Part>;
    double coef = 1.0;
    Part part{};
    static constexpr auto composes = composed_of(&weighted::part);

    constexpr weighted() = default;
    constexpr weighted(double coef, Part part) : coef(coef), part(part) {
        if (!(coef - coef == 0.0)) throw std::invalid_argument("proximal: weighted takes a finite coefficient");
    }

    constexpr auto operator()(Token auto const& token) const {
        auto measured = as_measured(part(token));
        return boost::hana::unpack(measured.metrics,
                                   [&](auto const&... metrics) { return with(coef * measured.loss, metrics...); });
    }
    /// What the term averages, where it judges whole responses.
    constexpr auto averaged(Token auto const& token) const requires SequenceLevel<Part> { return part.averaged(token); }
};

}  // namespace proximal
