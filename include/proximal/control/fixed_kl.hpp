// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/knob.hpp>

namespace proximal {

/// A KL coefficient that stays as it is: controlled_kl_penalty<k1, fixed_kl> is kl_penalty<k1>.
///
/// Knob: kl_coef ≥ 0; 0.05 is TRL's.
struct fixed_kl {
    double kl_coef = 0.05;
    static constexpr auto knobs = reflect(knob<"kl_coef">(&fixed_kl::kl_coef, "weight of the KL penalty", at_least(0)));

    /// β, which stays.
    constexpr double coefficient() const { return kl_coef; }

    /// Learns nothing from a batch's KL.
    constexpr void observe(double /*kl*/, double /*episodes*/) {}
};

}  // namespace proximal
