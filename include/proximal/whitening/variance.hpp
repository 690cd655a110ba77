// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace proximal {

/// σ² = Σ (x − μ)² / (n − 1): TRL's. A single token, whose square is 0, has the variance 0.
struct unbiased {
    /// What the sum of squares is divided by, of a count of 1 or more.
    constexpr auto divisor(auto const& count) const { return max(count - 1.0, 1.0); }
};

/// σ² = Σ (x − μ)² / n: that of Huang et al. (2024), arXiv 2403.17031, of OpenAI's code, and OpenRLHF's.
struct biased {
    /// What the sum of squares is divided by, of a count of 1 or more.
    constexpr auto divisor(auto const& count) const { return count; }
};

}  // namespace proximal
