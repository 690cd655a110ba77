// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace proximal {

/// The squared estimator of KL(π ‖ π_ref): never negative, low variance, slightly biased.
///
///     k2 = ½ (log π(a|s) − log π_ref(a|s))²
///
/// Source: Schulman, Approximating KL Divergence (2020), joschu.net/blog/kl-approx.html.
/// As a loss it is the one whose gradient, on tokens that π sampled, is in expectation that of the KL: k1's is 0, and
/// k3's is that of KL(π_ref ‖ π).
struct k2 {
    constexpr auto operator()(auto const& logprob, auto const& ref_logprob) const {
        return 0.5 * square(logprob - ref_logprob);
    }
};

}  // namespace proximal
