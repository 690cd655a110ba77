// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/array.hpp>
#include <proximal/numeric/symbol.hpp>
#include <proximal/token.hpp>

namespace proximal {

/// A loss term that judges whole responses (gspo, gmpo). Beside its operator() it says, in `averaged(token)`, what of a
/// token is averaged over the response; the backend hands that mean to every token of it, as token.sequence_mean.
template <class Term>
concept SequenceLevel = requires(Term const& term, token<symbol> const& token) {
    term.averaged(token);
};

/// The mean over a response of x, as one of its tokens sees it: the mean's value, and its own share of the slope.
///
///     m[t] = sg[(1/ℓ) Σₛ x[s]] + x[t] − sg[x[t]],   sg: no gradient
///
/// Where the tokens of a response have one weight w, their gradients add up to that of the whole, for any g:
///
///     Σₜ w ∂g(m[t]) = w ℓ ∂g((1/ℓ) Σₛ x[s])
///
/// So a term over whole responses stays a formula of one token, and every backend that runs formulas runs it.
/// Source: Zheng et al., Group Sequence Policy Optimization (2025), arXiv 2507.18071, section 4.3 (GSPO-token).
///
/// x must be what the term's `averaged` gives.
constexpr auto sequence_mean(Token auto const& token, auto const& x) { return token.sequence_mean + (x - detach(x)); }

/// What a term averages, over each response: [B, T], alike along a row, without gradient. `batch` is a token of arrays.
template <SequenceLevel Term, Array A>
constexpr A sequence_means(Term const& term, token<A> const& batch, A const& mask) {
    A const x = detach(A(term.averaged(batch)));  // [B, T]
    return spread(A(row_sum(select(mask, x, 0.0)) / max(row_sum(mask), 1.0)), mask);
}

}  // namespace proximal
