// SPDX-License-Identifier: Apache-2.0
#include "../user/mine.hpp"

#include <ATen/ATen.h>
#include <cstdio>
#include <proximal/libtorch.hpp>
#include <proximal/libtorch/fused_loss.hpp>

int main() {
    using proximal::libtorch::field;
    field const zeros(at::zeros({1, 2}, at::kDouble)), ones(at::ones({1, 2}, at::kDouble));
    field const logprobs(at::zeros({1, 2}, at::kDouble).requires_grad_());
    proximal::rollout<field> const rollout{.logprobs = zeros,
                                           .values = zeros,
                                           .rewards = zeros,
                                           .mask = ones,
                                           .value_mask = ones,
                                           .scores = field(at::full({1}, 3.0, at::kDouble))};
    auto const judged = mine::algorithm.evaluate(rollout);
    auto const loss =
        proximal::libtorch::fused_loss(mine::algorithm, judged, {.logprobs = logprobs, .values = zeros}).loss;
    loss.tensor.backward();
    auto const slopes = logprobs.tensor.grad();
    std::printf("loss %g, gradient %g %g\n", loss.tensor.item<double>(), slopes[0][0].item<double>(),
                slopes[0][1].item<double>());
}
