// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/clipped_objective.hpp>
#include <proximal/concepts.hpp>
#include <proximal/knob.hpp>

namespace proximal {

/// The clipped surrogate with a ceiling on the loss of bad tokens, whose ratio has no bound above.
///
///     S = max(−Â ρ, −Â clip(ρ, 1 − ε_low, 1 + ε_high))
///     L = min(S, −c Â)   where Â < 0,   S elsewhere
///
/// Source: Ye et al., Mastering Complex Control in MOBA Games with Deep Reinforcement Learning (2020), arXiv
/// 1912.09729. verl has it on by default.
///
/// Knobs: cliprange_low in [0, 1], cliprange_high > 0, both 0.2; clip_c, c > 1; 3 is the paper's.
/// Reads: log_ratio, advantage.
/// Metrics: loss/policy_avg; policy/clipfrac_avg; policy/dual_clipfrac_avg, the share of tokens at the ceiling.
struct dual_clip {
    double cliprange_low = 0.2;
    double cliprange_high = 0.2;
    double clip_c = 3.0;
    static constexpr auto knobs =
        reflect(knob<"cliprange_low">(&dual_clip::cliprange_low, "how far the ratio may fall below 1", between(0, 1)),
                knob<"cliprange_high">(&dual_clip::cliprange_high, "how far the ratio may rise above 1", above(0)),
                knob<"clip_c">(&dual_clip::clip_c, "the ratio at which a bad token's loss stops growing", above(1)));

    constexpr auto operator()(Token auto const& token) const {
        auto const ratio = exp(token.log_ratio);
        auto const [surrogate, clipped] =
            clipped_objective(token.advantage, ratio, ratio, cliprange_low, cliprange_high);
        auto const ceiling = -clip_c * token.advantage;
        auto const bad = token.advantage < 0.0;
        auto const loss = select(bad, min(surrogate, ceiling), surrogate);
        return with(loss, metric<"loss/policy_avg">(loss), metric<"policy/clipfrac_avg">(clipped),
                    metric<"policy/dual_clipfrac_avg">(bad * (surrogate > ceiling)));
    }
};
static_assert(TokenLoss<dual_clip>);

}  // namespace proximal
