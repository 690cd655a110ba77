// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/kl/k2.hpp>

namespace proximal {

/// The value of one estimator with the gradient of another.
///
///     kl = sg[Value] + Slope − sg[Slope],   sg: no gradient
///
/// Source: verl's `kl_penalty="k3+"` is straight_through<k3>; Tang and Munos, On a Few Pitfalls in KL Divergence
/// Gradient Estimation for RL (2025), arXiv 2506.09477, say why k2's gradient is the one wanted.
/// Only a loss term differs from Value alone: a penalty in the rewards has no gradient.
template <class Value, class Slope = k2>
struct straight_through {
    constexpr auto operator()(auto const& logprob, auto const& ref_logprob) const {
        auto const slope = Slope{}(logprob, ref_logprob);
        return detach(Value{}(logprob, ref_logprob)) + (slope - detach(slope));
    }
};

}  // namespace proximal
