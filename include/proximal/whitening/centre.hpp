// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace proximal {

/// Where whitening puts the mean: at 0.
struct zero_mean {
    constexpr double operator()(auto const&) const { return 0.0; }
};

/// Where whitening puts the mean: back where it was. Source: TRL's masked_whiten with shift_mean = False.
struct kept_mean {
    constexpr auto const& operator()(auto const& mean) const { return mean; }
};

}  // namespace proximal
