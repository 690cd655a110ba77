// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/array.hpp>
#include <proximal/rollout.hpp>

namespace proximal {

/// log π(a|s) − log μ(a|s): how the policy and what really sampled the tokens differ. [B, T], 0 outside mask.
///
/// Reads: logprobs, behaviour_logprobs, mask [B, T].
template <Array A>
constexpr A importance_log_ratio(rollout<A> const& rollout) {
    return select(rollout.mask, rollout.logprobs - rollout.behaviour_logprobs, 0.0);
}

/// How much likelier the policy finds each sampled token than what really sampled it did.
///
///     w[b, t] = π(a|s) / μ(a|s) = exp(logprobs − behaviour_logprobs)   on response tokens, 1 elsewhere
///
/// Source: Precup, Sutton and Singh, Eligibility Traces for Off-Policy Policy Evaluation (2000).
/// Reads: logprobs, behaviour_logprobs, mask [B, T]. Gives: [B, T].
template <Array A>
constexpr A importance_ratio(rollout<A> const& rollout) {
    return exp(importance_log_ratio(rollout));
}

}  // namespace proximal
