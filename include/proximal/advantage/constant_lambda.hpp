// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/array.hpp>
#include <proximal/knob.hpp>

namespace proximal {

/// The same λ for every sequence: decoupled_gae's stock choice.
///
/// Knob: lam in [0, 1], 0.95. Takes: mask [B, T]. Gives: λ [B, T].
struct constant_lambda {
    double lam = 0.95;
    static constexpr auto knobs =
        reflect(knob<"lam">(&constant_lambda::lam, "0: one-step bootstrap, 1: whole return", between(0, 1)));

    template <class Array>
    constexpr Array operator()(Array const& mask) const {
        return lam * ones_like(mask);
    }
};

}  // namespace proximal
