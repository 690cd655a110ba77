// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/compose/reflect.hpp>
#include <proximal/concepts.hpp>
#include <proximal/kl/k3.hpp>
#include <proximal/knob.hpp>

namespace proximal {

/// Charges the policy for leaving the reference model, in the loss rather than in the rewards.
///
///     L = β · KL(π ‖ π_ref)
///
/// Source: Shao et al., DeepSeekMath (2024), arXiv 2402.03300, equation 3.
///
/// Estimator: k3 (the paper's), k2, straight_through<k3>, absolute: any function of (logprob, ref_logprob), without
/// knobs. k1's
/// gradient is 0 in expectation, so as a loss it is only noise.
/// Knob: kl_loss_coef, β ≥ 0; 0.04 is the paper's.
/// Reads: logprob, ref_logprob. Metric: loss/kl_avg, without β.
template <class Estimator = k3>
struct kl_loss {
    static_assert(
        !Reflected<Estimator>,
        "proximal::kl_loss: a KL estimator has no knobs, since nothing would set them: make its number a template "
        "argument");
    double kl_loss_coef = 0.04;
    static constexpr auto knobs =
        reflect(knob<"kl_loss_coef">(&kl_loss::kl_loss_coef, "weight of the KL term of the loss", at_least(0)));

    constexpr auto operator()(Token auto const& token) const {
        auto const kl = Estimator{}(token.logprob, token.ref_logprob);
        return with(kl_loss_coef * kl, metric<"loss/kl_avg">(kl));
    }
};
static_assert(TokenLoss<kl_loss<>>);

}  // namespace proximal
