// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/concepts.hpp>
#include <proximal/knob.hpp>

namespace proximal {

/// Squared error of the critic.
///
///     L = vf_coef · ½ (V − R̂)²
///
/// Source: Schulman et al. (2017), arXiv 1707.06347, equation 9.
/// Departure: the ½ of TRL, as in clipped_value, which this is without its clip.
///
/// Knob: vf_coef ≥ 0; 0.1 is TRL's.
/// Reads: value, return_. Metric: loss/value_avg, with the ½ and without vf_coef, over value_mask.
struct squared_value {
    double vf_coef = 0.1;
    static constexpr auto knobs =
        reflect(knob<"vf_coef">(&squared_value::vf_coef, "weight of the value loss", at_least(0)));
    static constexpr auto over = domain::values;

    constexpr auto operator()(Token auto const& token) const {
        auto const loss = 0.5 * square(token.value - token.return_);
        return with(vf_coef * loss, metric<"loss/value_avg">(loss));
    }
};
static_assert(TokenLoss<squared_value>);

}  // namespace proximal
