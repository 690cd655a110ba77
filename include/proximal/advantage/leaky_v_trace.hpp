// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/advantage/v_trace.hpp>
#include <proximal/composer.hpp>

namespace proximal {

/// V-trace whose truncation leaks: a share of each weight stays as it is, so that rare good actions are not cut off.
///
///     w̃ = (1 − α) w + α min(w, bound)   in place of min(w, bound), for δ, trace and Â
///
/// Source: Zahavy et al., A Self-Tuning Actor-Critic Algorithm (2020), arXiv 2002.12928, equation 6; rlax's
/// leaky_vtrace_td_error_and_advantage.
/// α = 1 gives v_trace, α = 0 plain importance sampling.
///
/// Knobs: v_trace's, and leak_alpha, α in [0, 1], 0.9. The member is called `alpha`; v_trace is the member `part`.
/// Reads, gives: as v_trace.
struct leaky_v_trace {
    double alpha = 0.9;
    v_trace part{};
    static constexpr auto composes = composed_of(&leaky_v_trace::part);
    static constexpr auto knobs =
        reflect(knob<"leak_alpha">(&leaky_v_trace::alpha, "share of a weight that is truncated", between(0, 1)));

    template <class Array>
    constexpr experience<Array> operator()(rollout<Array> const& rollout) const {
        Array const ratio = importance_ratio(rollout);
        auto const leaky = [&](double bound) { return Array((1.0 - alpha) * ratio + alpha * min(ratio, bound)); };
        return part.corrected(rollout, leaky(1.0), leaky(part.clip_rho), leaky(part.clip_pg_rho));
    }
};
static_assert(AdvantageEstimator<leaky_v_trace>);

}  // namespace proximal
