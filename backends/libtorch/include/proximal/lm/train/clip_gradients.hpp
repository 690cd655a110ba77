// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <proximal/lm/train/optimizer.hpp>

namespace proximal::lm {

/// Scales all gradients down together where their norm is above `max_norm`.
///
///     g ← g · min(1, max_norm / (norm + 1e-6))
///
/// Source: Pascanu et al., On the Difficulty of Training Recurrent Neural Networks (2013), arXiv 1211.5063;
/// torch.nn.utils.clip_grad_norm_, to the letter. A norm that is not finite spoils the gradients, as there.
inline void clip_gradients(optimizer const& optimizer, double norm, double max_norm) {
    at::NoGradGuard const no_gradient;
    double const scale = max_norm / (norm + 1e-6);
    if (scale >= 1.0) return;
    for (auto const& gradient : optimizer.gradients()) gradient.mul_(scale);
}

}  // namespace proximal::lm
