// SPDX-License-Identifier: Apache-2.0
#include <ATen/ATen.h>
#include <proximal/libtorch/fused_loss.hpp>
#include <proximal/libtorch/operations.hpp>
#include <proximal/proximal.hpp>

// What a training program of one's own compiles: the stock algorithm judged and minimised on tensors, fused.
at::Tensor loss_of(proximal::rollout<proximal::libtorch::field> const& rollout,
                   proximal::prediction<proximal::libtorch::field> const& now) {
    using namespace proximal;
    auto const ppo = algorithm{chain(missing_eos_penalty{1.0}, kl_penalty<k1>{.kl_coef = 0.05}, terminal_score{}),
                               chain(gae{}, whiten{}), total(clipped_surrogate{}, clipped_value{})};
    return libtorch::fused_loss(ppo, ppo.evaluate(rollout), now).loss.tensor;
}

int main() {}
