// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/array.hpp>

namespace proximal {

/// The tokens that share one mean and one deviation: all of the batch that is passed in.
///
///     total(x) = Σ x over [B, T]
///
/// TRL's scope is one rank's batch; with a single process that is the whole one. CleanRL's is a mini-batch: call the
/// part on that.
struct of_batch {
    /// Σ x within the scope of each cell, in a shape that meets [B, T].
    template <Array A>
    constexpr A total(A const& x) const {
        return sum(x);
    }
};

}  // namespace proximal
