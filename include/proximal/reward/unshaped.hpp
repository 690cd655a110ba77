// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/concepts.hpp>

namespace proximal {

/// Leaves the rewards as they came: for a reward that is given per token, or by an environment per step.
///
///     r ← r
///
/// Reads: nothing. Writes: nothing. Law: chain(unshaped, f) = chain(f, unshaped) = f.
struct unshaped {
    template <class Array>
    constexpr rollout<Array> operator()(rollout<Array> rollout) const {
        return rollout;
    }
};
static_assert(RewardShaper<unshaped>);

}  // namespace proximal
