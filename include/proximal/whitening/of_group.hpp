// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/array.hpp>
#include <proximal/knob.hpp>

namespace proximal {

/// The tokens that share one mean and one deviation: those of the responses to the same prompt.
///
///     total(x)[b, t] = Σ x over the rows of b's group
///
/// Knob: group_size, k ≥ 2, 8: each k rows in succession answer one prompt. Throws where k does not divide B.
struct of_group {
    int group_size = 8;
    static constexpr auto knobs =
        reflect(knob<"group_size">(&of_group::group_size, "responses to each prompt", at_least(2)));

    /// Each prompt is answered so often.
    constexpr int responses_per_prompt() const { return group_size; }

    /// Σ x within the scope of each cell, in a shape that meets [B, T].
    template <Array A>
    constexpr A total(A const& x) const {
        auto const k = static_cast<double>(group_size);
        return spread(A(k * group_mean(A(row_sum(x)), group_size)), x);
    }
};

}  // namespace proximal
