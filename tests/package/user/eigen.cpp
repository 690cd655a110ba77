// SPDX-License-Identifier: Apache-2.0
#include "mine.hpp"

#include <cstdio>
#include <proximal/eigen.hpp>

int main() {
    using proximal::eigen::array;
    array zeros(1, 2), score(1, 1);
    zeros.cells.setZero();
    score(0, 0) = 3.0;
    proximal::rollout<array> const rollout{.logprobs = zeros,
                                           .ref_logprobs = zeros,
                                           .values = zeros,
                                           .rewards = zeros,
                                           .mask = zeros + 1.0,
                                           .value_mask = zeros + 1.0,
                                           .scores = score};
    auto const judged = mine::algorithm.evaluate(rollout);  // rewards −0.5 and 2.5, so advantages 2 and 2.5
    auto const result =
        proximal::eigen::loss_and_gradient(mine::algorithm, judged, {.logprobs = zeros, .values = zeros});
    std::printf("loss %g, gradient %g %g\n", result.loss, result.gradient.logprobs(0, 0),
                result.gradient.logprobs(0, 1));
}
