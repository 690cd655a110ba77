// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "token_losses.hpp"

namespace support {

/// The whole algorithm of the papers: one advantage a response, every response counts alike.
auto under_grpo(auto const& loss) {
    using namespace proximal;
    return algorithm{terminal_score{}, grpo{4}, loss, sequence_mean_token_mean{}};
}

/// Eigen, autograd and the fused pass agree, and so do finite differences through the mean.
void check_sequence_loss(auto const& loss) {
    auto const algorithm = under_grpo(loss);
    check_algorithm(algorithm, 28);
    auto const batch = random_batch(28, 12, 8);
    check_whole_batch(algorithm, algorithm.evaluate(batch.rollout), batch.now);
}

/// The loss of two responses: the means of log ρ are 0.1 and −0.6, the advantages 2 and −1.
template <class Array>
void check_two_responses(auto const& loss, double expected) {
    proximal::experience<Array> then;
    then.mask = then.value_mask = grid<Array>({{1, 1}, {1, 0}});
    then.logprobs = grid<Array>({{-1, -2}, {-3, NaN}});
    then.advantages = grid<Array>({{2, 2}, {-1, NaN}});
    proximal::prediction<Array> const now{.logprobs = grid<Array>({{-0.8, -2}, {-3.6, NaN}})};
    CHECK(difference(under_grpo(loss).loss(then, now), Array(expected)) < tolerance);
}

}  // namespace support
