// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/concepts.hpp>
#include <proximal/knob.hpp>

namespace proximal {

/// Imitates the responses that succeeded: the language-model loss, on them alone.
///
///     L = −μ log π(a|s)   where the response's score > threshold, 0 elsewhere
///
/// Source: Yue et al., VAPO (2025), arXiv 2504.05118, section 4.3 (Positive Example LM Loss).
/// Departure: averaged as every term is, over all response tokens; the paper divides by the successful ones' tokens, so
/// that a lone success weighs as much as many.
///
/// Knobs: positive_lm_coef, μ ≥ 0, 0.1, the paper's; positive_threshold, 0. The members are called `coef`, `threshold`.
/// Reads: logprob, score. Metrics: loss/positive_lm_avg, without μ; policy/positive_avg, the share of such tokens.
struct positive_lm {
    double coef = 0.1;
    double threshold = 0.0;
    static constexpr auto knobs = reflect(
        knob<"positive_lm_coef">(&positive_lm::coef, "weight of the language-model loss of successes", at_least(0)),
        knob<"positive_threshold">(&positive_lm::threshold, "score above which a response has succeeded"));

    constexpr auto operator()(Token auto const& token) const {
        auto const succeeded = token.score > threshold;
        auto const loss = select(succeeded, -token.logprob, 0.0);
        return with(coef * loss, metric<"loss/positive_lm_avg">(loss), metric<"policy/positive_avg">(succeeded));
    }
};
static_assert(TokenLoss<positive_lm>);

}  // namespace proximal
