// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/whitening/centre.hpp>
#include <proximal/whitening/of_batch.hpp>
#include <proximal/whitening/variance.hpp>

namespace proximal {

/// Numbers brought to variance 1, and to the mean that Centre says. [B, T], 0 outside mask.
///
///     x ← (x − μ) / √(σ² + 1e-8) + centre(μ)   over mask, μ and σ² taken within the scope
///
/// Scope: of_batch, of_group. Centre: zero_mean, kept_mean. Variance: unbiased, biased. ε stands inside the root, as in
/// TRL. One number alone has σ² = 0: it becomes centre(μ), where TRL divides by 0. What every whitening part is made
/// of; alone it whitens any array in a loop of your own.
template <class Centre = zero_mean, class Variance = unbiased, Array A, class Scope = of_batch>
constexpr A whitened(A const& x, A const& mask, Scope const& scope = {}) {
    A const count = max(scope.total(mask), 1.0);
    A const mean = scope.total(A(select(mask, x, 0.0))) / count;
    A const squares = scope.total(A(select(mask, square(x - mean), 0.0)));
    A const variance = squares / Variance{}.divisor(count);
    return select(mask, (x - mean) / sqrt(variance + 1e-8) + Centre{}(mean), 0.0);
}

}  // namespace proximal
