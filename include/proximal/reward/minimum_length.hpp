// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdexcept>
#include <string>

#include <proximal/concepts.hpp>
#include <proximal/knob.hpp>

namespace proximal {

/// Gives a response that is too short one fixed score, whatever the reward model said.
///
///     s ← p   where ℓ < m,   ℓ = the number of response tokens
///
/// Source: torchtune's PPO recipe (`min_response_length`, `reward_penalty`).
/// Departure: ℓ counts tokens, EOS included; torchtune compares the last token's index.
///
/// Knobs: min_response_length, m ≥ 0, 18; short_response_score, p, −3; both torchtune's.
/// Reads: scores, mask. Writes: scores [B]. Stands before terminal_score in a chain.
struct minimum_length {
    double min_response_length = 18.0;
    double short_response_score = -3.0;
    static constexpr auto knobs = reflect(
        knob<"min_response_length">(&minimum_length::min_response_length, "tokens below which p is paid", at_least(0)),
        knob<"short_response_score">(&minimum_length::short_response_score, "the score of a response too short"));

    /// Some response is long enough.
    constexpr void check_response_length(double longest) const {
        if (min_response_length > longest)
            throw std::invalid_argument("--min_response_length is " + number_text(min_response_length) +
                                        ", and a response has " + number_text(longest) +
                                        " tokens at most: every one would be too short. Lower it, or raise "
                                        "--response_length.");
    }

    template <class Array>
    constexpr rollout<Array> operator()(rollout<Array> rollout) const {
        auto const length = row_sum(rollout.mask);  // [B]
        rollout.scores = select(length < min_response_length, short_response_score, rollout.scores);
        return rollout;
    }
};
static_assert(RewardShaper<minimum_length>);

}  // namespace proximal
