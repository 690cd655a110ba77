// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/array.hpp>
#include <proximal/rollout.hpp>
#include <utility>

namespace proximal {

/// A shaper that pays a response's score says `static constexpr bool pays_score = true`: what it adds to the rewards is
/// no charge. Models: terminal_score, terminal_score_at_eos.
template <class Part>
inline constexpr bool pays_score = requires {
    requires Part::pays_score;
};

/// A shaper that scales rewards that were paid before says `static constexpr bool rescales_rewards = true`.
/// Models: whiten_rewards, standardise_rewards.
template <class Part>
inline constexpr bool rescales_rewards = requires {
    requires Part::rescales_rewards;
};

/// What the shapers of an algorithm charge or pay a response beside its score: TRL's non_score_reward, for any shaper.
///
///     charged[b] = Σ over shapers, Σₜ (r after − r before)[b, t]   over value_mask
///
/// Shapers that pay the score or rescale are left out, as in TRL, which reports rewards before whitening. An observer
/// of run_and_adapt. Where no shaper adds to the rewards, `total` stays absent.
template <Array A>
struct charges {
    A& total;  // [B]

    template <class Part>
    void operator()(Part const&, rollout<A> const& before, rollout<A> const& after) const {
        if constexpr (!pays_score<Part> && !rescales_rewards<Part>) {
            A const paid = row_sum(select(after.value_mask, after.rewards - before.rewards, 0.0));
            total = absent(total) ? paid : A(total + paid);
        }
    }
};

}  // namespace proximal
