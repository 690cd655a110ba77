// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/concepts.hpp>

namespace proximal {

/// The policy gradient itself: what is rewarded becomes likelier.
///
///     L = −Â log π(a|s)
///
/// Source: Williams, Simple Statistical Gradient-Following Algorithms (1992); Sutton et al. (1999), theorem 1.
/// Departure: no importance weight, so the gradient is right only on tokens that the present policy sampled: one epoch.
///
/// Reads: logprob, advantage. Metric: loss/policy_avg.
struct reinforce {
    constexpr auto operator()(Token auto const& token) const {
        auto const loss = -token.advantage * token.logprob;
        return with(loss, metric<"loss/policy_avg">(loss));
    }
};
static_assert(TokenLoss<reinforce>);

}  // namespace proximal
