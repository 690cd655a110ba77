// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace proximal {

/// The distance of the two log-probs: never negative, biased upwards, robust to outliers.
///
///     abs = |log π(a|s) − log π_ref(a|s)|
///
/// Source: TRL's and verl's `kl_penalty="abs"`. Its gradient is 0 where the models agree.
struct absolute {
    constexpr auto operator()(auto const& logprob, auto const& ref_logprob) const { return abs(logprob - ref_logprob); }
};

}  // namespace proximal
