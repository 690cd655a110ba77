// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <proximal/lm/model/sequence_classifier.hpp>
#include <stdexcept>
#include <string>

namespace proximal::lm {

/// Adds a constant to every reward of a model, in place: r(x) becomes r(x) + shift.
///
/// Hugging Face's score heads have no bias. The final norm's has the same effect: with r = w · (norm(x) + b), the bias
/// b + shift · w / (w · w) adds exactly `shift`, whatever x is. So the N+ paper's reward bias (arXiv 2403.17031) is
/// kept in a folder that transformers loads. Throws std::invalid_argument where the last norm has no bias, or the head
/// is 0.
inline void shift_reward(sequence_classifier const& model, double shift) {
    at::NoGradGuard const no_gradient;
    named_tensor const* bias = nullptr;
    for (auto const& parameter : model.body->parameters())
        if (parameter.name.ends_with("final_layer_norm.bias")) bias = &parameter;
    if (bias == nullptr)
        throw std::invalid_argument(
            "the reward model's final norm has no bias, so its rewards cannot be shifted: leave "
            "--reference_dataset_name out");
    auto const weight = model.score.detach().squeeze(0);
    double const square = weight.to(at::kDouble).square().sum().item<double>();
    if (!(square > 0.0))
        throw std::invalid_argument("the reward model's score head is 0: it gives no rewards to shift");
    bias->tensor.detach().add_(weight, shift / square);
}

}  // namespace proximal::lm
