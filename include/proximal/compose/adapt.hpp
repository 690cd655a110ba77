// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/compose/run_part.hpp>
#include <proximal/composer.hpp>
#include <proximal/concepts.hpp>

namespace proximal {

/// Sees nothing of a run of parts.
struct unobserved {
    constexpr void operator()(auto const&, auto const&, auto const&) const {}
};

/// Runs a part as part(input) does, and lets what learns in it learn from this batch, each part from the batch as it
/// reaches it: `absorb(input)` before it is run, `adjust(input)` after. `observer(part, input, output)` is told of
/// every part that is no composition, after it ran.
template <class Part, class Input, class Observer = unobserved>
auto run_and_adapt(Part& part, Input const& input, Observer const& observer = {}) {
    if constexpr (PassesOn<Part, Input>) {
        return Part::pass(part, input, [&](auto& inner, auto const& x) { return run_and_adapt(inner, x, observer); });
    } else {
        refuse_unreadable(part, input);
        if constexpr (requires { part.absorb(input); }) part.absorb(input);
        auto const result = run_named(part, input);
        if constexpr (requires { part.adjust(input); }) part.adjust(input);
        observer(part, input, result);
        return result;
    }
}

/// algorithm.evaluate(rollout), for an algorithm with parts that learn from batch to batch: running_normalisation,
/// controlled_kl_penalty, or your own part with a member absorb(rollout) or adjust(rollout). Without such parts the two
/// are the same.
template <class Algorithm, Array A>
experience<A> evaluate_and_adapt(Algorithm& algorithm, rollout<A> const& rollout) {
    return run_and_adapt(algorithm.estimator, run_and_adapt(algorithm.shaper, detached(rollout)));
}

}  // namespace proximal
