// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/concepts.hpp>
#include <proximal/knob.hpp>

namespace proximal {

/// Huber's error of the critic: squared near the target, linear far from it, so that outliers pull no harder than δ.
///
///     e = V − R̂
///     m = min(|e|, δ)
///     L = vf_coef · (½ m² + δ (|e| − m))      ½ e² where |e| ≤ δ, else δ (|e| − ½ δ)
///
/// Source: Huber, Robust Estimation of a Location Parameter (1964); Mnih et al., DQN (2015), clip the error alike.
///
/// Knobs: vf_coef ≥ 0, 0.1; huber_delta, δ > 0, 1.
/// Reads: value, return_. Metric: loss/value_avg, without vf_coef, over value_mask.
struct huber_value {
    double vf_coef = 0.1;
    double huber_delta = 1.0;
    static constexpr auto knobs =
        reflect(knob<"vf_coef">(&huber_value::vf_coef, "weight of the value loss", at_least(0)),
                knob<"huber_delta">(&huber_value::huber_delta, "error beyond which the loss is linear", above(0)));
    static constexpr auto over = domain::values;

    constexpr auto operator()(Token auto const& token) const {
        auto const error = abs(token.value - token.return_);
        auto const near = min(error, huber_delta);  // no select: autograd would send 0 · ∞ from the side not taken
        auto const loss = 0.5 * square(near) + huber_delta * (error - near);
        return with(vf_coef * loss, metric<"loss/value_avg">(loss));
    }
};
static_assert(TokenLoss<huber_value>);

}  // namespace proximal
