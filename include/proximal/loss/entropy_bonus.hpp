// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/concepts.hpp>
#include <proximal/knob.hpp>

namespace proximal {

/// Rewards a policy for staying undecided.
///
///     L = −c · H[π(·|s)]
///
/// Source: Williams and Peng, Function Optimization Using Connectionist Reinforcement Learning Algorithms (1991); Mnih
/// et al., Asynchronous Methods for Deep Reinforcement Learning (2016), arXiv 1602.01783, section 4.
///
/// Knob: entropy_coef, c ≥ 0; 0.01 is Mnih et al.'s.
/// Reads: entropy. Metric: loss/entropy_avg, the entropy itself.
struct entropy_bonus {
    double entropy_coef = 0.01;
    static constexpr auto knobs =
        reflect(knob<"entropy_coef">(&entropy_bonus::entropy_coef, "weight of the entropy bonus", at_least(0)));

    constexpr auto operator()(Token auto const& token) const {
        return with(-entropy_coef * token.entropy, metric<"loss/entropy_avg">(token.entropy));
    }
};
static_assert(TokenLoss<entropy_bonus>);

}  // namespace proximal
