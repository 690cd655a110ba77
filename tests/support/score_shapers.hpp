// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "backends.hpp"

#include <catch2/catch.hpp>

namespace support {

/// Lengths 0, 1, 2, 4, scores −4, 1, 2, 8; the last two ended themselves.
template <class Array>
proximal::rollout<Array> four_lengths() {
    return {.rewards = grid<Array>({{0, 0, 0, 0}, {0, 0, 0, 0}, {0, 0, 0, 0}, {0, 0, 0, 0}}),
            .mask = grid<Array>({{0, 0, 0, 0}, {1, 0, 0, 0}, {1, 1, 0, 0}, {1, 1, 1, 1}}),
            .value_mask = grid<Array>({{1, 0, 0, 0}, {1, 1, 0, 0}, {1, 1, 1, 0}, {1, 1, 1, 1}}),
            .scores = column<Array>({-4, 1, 2, 8}),
            .has_eos = column<Array>({0, 0, 1, 1})};
}

/// What a shaper makes of the four scores; it leaves the rewards alone.
template <class Array>
void check_shaped_scores(auto const& shaper, std::initializer_list<double> expected) {
    auto const shaped = shaper(four_lengths<Array>());
    CHECK(difference(shaped.rewards, four_lengths<Array>().rewards) == 0.0);
    CHECK(difference(shaped.scores, column<Array>(expected)) == 0.0);
}

template <class Array>
proximal::rollout<Array> scored_rollout() {
    return as<Array>(random_batch(26, 12, 9).rollout);
}

/// Every score stays as it was.
template <class Array>
void check_same_scores(auto const& shaper) {
    CHECK(difference(shaper(scored_rollout<Array>()).scores, scored_rollout<Array>().scores) == 0.0);
}

template <class Array>
proximal::rollout<Array> of_scores(std::initializer_list<double> scores) {
    proximal::rollout<Array> rollout;
    rollout.scores = column<Array>(scores);
    return rollout;
}

}  // namespace support
