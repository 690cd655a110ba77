// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/concepts.hpp>
#include <proximal/knob.hpp>

namespace mine {

/// A part with state: a shaper that takes the scores' moving mean, over the batches so far, off every score.
///
///     s ← s − m,   m ← β m + (1 − β) mean(s) once the batch is judged
///
/// The knob β is what a user chose, m what was learnt: it is logged, saved and resumed.
struct moving_baseline {
    double beta = 0.9;
    static constexpr auto knobs = proximal::reflect(proximal::knob<"baseline_beta">(
        &moving_baseline::beta, "how long the baseline remembers", proximal::between(0, 1)));

    double mean = 0.0;

    template <class Array>
    constexpr proximal::rollout<Array> operator()(proximal::rollout<Array> rollout) const {
        rollout.scores = rollout.scores - mean;
        return rollout;
    }
    /// Learns from a batch that was judged.
    template <class Array>
    void adjust(proximal::rollout<Array> const& rollout) {
        mean = beta * mean + (1.0 - beta) * item(Array(sum(rollout.scores) / proximal::count(rollout.scores)));
    }
    template <class Archive>
    constexpr void visit_state(Archive& archive) {
        archive("mean", mean);
    }
    constexpr void report(auto const& metric) const { metric("mine/baseline", mean); }
};
static_assert(proximal::RewardShaper<moving_baseline>);

}  // namespace mine
