// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdexcept>
#include <string>

#include <proximal/concepts.hpp>
#include <proximal/knob.hpp>

namespace proximal {

/// Lowers the score of a response that nears the longest one allowed: gently first, fully at the limit.
///
///     exceed = ℓ − (L_max − buffer),   ℓ = the number of response tokens
///     s ← s − f · clip(exceed, 0, buffer) / buffer
///
/// Source: Yu et al., DAPO (2025), arXiv 2503.14476, equation 13 (Soft Overlong Punishment).
/// Departure: L_max is a knob, not T: a batch may be narrower than what generation allows.
///
/// Knobs: max_response_length, L_max > 0, 20480; overlong_buffer > 0, 4096; overlong_factor, f ≥ 0, 1: all the paper's.
/// Reads: scores, mask. Writes: scores [B]. Stands before terminal_score in a chain.
struct overlong_penalty {
    double max_response_length = 20480.0;
    double overlong_buffer = 4096.0;
    double overlong_factor = 1.0;
    static constexpr auto knobs = reflect(
        knob<"max_response_length">(&overlong_penalty::max_response_length, "tokens at which all of it is due",
                                    above(0)),
        knob<"overlong_buffer">(&overlong_penalty::overlong_buffer, "tokens over which it grows", above(0)),
        knob<"overlong_factor">(&overlong_penalty::overlong_factor, "subtracted from the score at most", at_least(0)));

    /// The longest response is that of the run.
    constexpr void assume_response_length(double tokens) { max_response_length = tokens; }

    /// The tokens over which it grows lie within the response: else an empty one would pay.
    constexpr void check_knobs() const {
        if (overlong_buffer > max_response_length)
            throw std::invalid_argument("--overlong_buffer is " + number_text(overlong_buffer) +
                                        ", and a response has " + number_text(max_response_length) +
                                        " tokens at most: give a smaller --overlong_buffer.");
    }

    /// All of it is due to some response.
    constexpr void check_response_length(double longest) const {
        if (max_response_length > longest)
            throw std::invalid_argument("--max_response_length is " + number_text(max_response_length) +
                                        ", and a response has " + number_text(longest) +
                                        " tokens at most: the whole penalty would never be due. Lower it, or raise "
                                        "--response_length.");
    }

    template <class Array>
    constexpr rollout<Array> operator()(rollout<Array> rollout) const {
        auto const exceed = row_sum(rollout.mask) - (max_response_length - overlong_buffer);  // [B]
        auto const share = clamp(exceed, 0.0, overlong_buffer) / overlong_buffer;
        rollout.scores = rollout.scores - overlong_factor * share;
        return rollout;
    }
};
static_assert(RewardShaper<overlong_penalty>);

}  // namespace proximal
