// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <proximal/lm/train/first_non_finite.hpp>
#include <proximal/lm/train/optimizer.hpp>
#include <proximal/run/state_archive.hpp>
#include <string>

namespace proximal::lm {

/// What a loss is multiplied by before backward, so that small gradients do not vanish in float16 (`--fp16`).
///
/// After a step whose gradients are all finite in `growth_interval` steps in succession the scale doubles; a step with
/// one that is not is left out, and the scale halves. The scale stays finite in float32.
/// Source: Micikevicius et al., Mixed Precision Training (2018), arXiv 1710.03740, section 3.2; the rule and its
/// numbers are torch.amp.GradScaler's. A departure: below `least` no scale can be what is wrong, and take() throws.
struct loss_scaler {
    double scale = 65536.0;
    double growth_factor = 2.0, backoff_factor = 0.5;
    std::int64_t growth_interval = 2000;
    double least = 1.0 / 65536.0;

    std::int64_t good_steps = 0;     // in succession, since the scale last changed
    std::int64_t skipped_steps = 0;  // of the whole run

    /// Takes the gradients of the scaled loss back to those of the loss.
    void unscale(optimizer const& optimizer) const {
        at::NoGradGuard const no_gradient;
        for (auto const& gradient : optimizer.gradients()) gradient.mul_(1.0 / scale);
    }
    /// Learns whether all gradients of a step were finite. Gives that back: whether to take the step.
    /// Throws non_finite_error where they were not and the scale has fallen below `least`.
    bool take(bool finite) {
        if (!finite) {
            scale *= backoff_factor;
            good_steps = 0;
            ++skipped_steps;
            if (scale < least)
                throw non_finite_error(
                    "the gradient stays infinite or NaN at a loss scale of " + std::to_string(scale / backoff_factor) +
                    ": it is not float16 that overflows; lower --learning_rate, or leave --fp16 out");
            return false;
        }
        if (++good_steps < growth_interval) return true;
        good_steps = 0;
        if (double const grown = scale * growth_factor; grown <= static_cast<double>(std::numeric_limits<float>::max()))
            scale = grown;
        return true;
    }
    /// Writes or reads what it has learnt.
    void visit_state(run::state_archive& archive) {
        archive("scale", scale);
        archive("good_steps", good_steps);
        archive("skipped_steps", skipped_steps);
    }
};

}  // namespace proximal::lm
