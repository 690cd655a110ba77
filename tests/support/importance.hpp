// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "token_losses.hpp"

namespace support {

/// w = 4, 1, ¼ | 1, ½ | ½ and an empty response; advantages of 1 and −1; what lies outside the mask is NaN.
template <class Array>
proximal::experience<Array> sampled_elsewhere() {
    double const ln2 = std::log(2.0), ln4 = std::log(4.0);
    proximal::experience<Array> then;
    then.mask = grid<Array>({{1, 1, 1}, {1, 1, 0}, {1, 0, 0}, {0, 0, 0}});
    then.logprobs = grid<Array>({{ln4, 0, -ln4}, {0, -ln2, NaN}, {-ln2, NaN, NaN}, {NaN, NaN, NaN}});
    then.behaviour_logprobs = grid<Array>({{0, 0, 0}, {0, 0, NaN}, {0, NaN, NaN}, {NaN, NaN, NaN}});
    then.advantages = grid<Array>({{1, 1, 1}, {-1, -1, NaN}, {-1, NaN, NaN}, {NaN, NaN, NaN}});
    return then;
}

template <class Array>
void check_weighted_advantages(auto const& correction, rows expected) {
    CHECK(difference(correction(sampled_elsewhere<Array>()).advantages, grid<Array>(expected)) < tolerance);
}

/// Where the sampler was the policy, nothing changes.
template <class Array>
void check_nothing_on_policy(auto const& correction) {
    using namespace proximal;
    auto batch = random_batch(26, 12, 7).rollout;
    batch.behaviour_logprobs = batch.logprobs;
    auto const judged = chain(terminal_score{}, gae{}, whiten{})(as<Array>(batch));
    CHECK(difference(correction(judged).advantages, judged.advantages) == 0.0);
}

}  // namespace support
