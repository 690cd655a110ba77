// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/concepts.hpp>

namespace proximal::lm {

/// What TRL logs of an update beside its losses, and what those numbers mean to say: [] each, without gradient.
///
/// | name                                    | value                                                        |
/// |-----------------------------------------|--------------------------------------------------------------|
/// | policy/approxkl_avg                     | ½ mean (Δ log π)² over all of [B, T]; padding counts as 0    |
/// | val/ratio                               | mean ρ over all of [B, T]; padding counts as 1               |
/// | policy/entropy_avg                      | mean entropy over all of [B, T], whatever padding holds      |
/// | policy/approxkl_masked, val/ratio_masked, policy/entropy_masked | the same means over the response tokens |
/// | val/ratio_token_var                     | unbiased variance of ρ over the response tokens              |
///
/// Source: TRL v0.11.4's PPOv2 for the first three. Its val/ratio_var is a variance of these means over an update's
/// micro-batches, so it is the trainer's. The masked twins are ours: shares of padding do not dilute them.
/// Metrics of an absent array are absent. An empty mask makes the masked means NaN.
template <Array A>
constexpr auto trl_metrics(experience<A> const& then, prediction<A> const& now) {
    A const cells = count(then.mask);                                              // B · T
    A const moved = select(then.mask, detach(now.logprobs) - then.logprobs, 0.0);  // [B, T]
    A const ratio = exp(moved);
    auto const mean = [&](A const& x) { return absent(x) ? x : sum(detach(x)) / cells; };
    auto const over_mask = [&](A const& x) { return absent(x) ? x : masked_mean(detach(x), then.mask); };
    return boost::hana::make_tuple(
        metric<"policy/approxkl_avg">(A(0.5 * mean(square(moved)))), metric<"val/ratio">(A(mean(ratio))),
        metric<"policy/entropy_avg">(A(mean(now.entropies))),
        metric<"policy/approxkl_masked">(A(0.5 * over_mask(square(moved)))),
        metric<"val/ratio_masked">(A(over_mask(ratio))), metric<"policy/entropy_masked">(A(over_mask(now.entropies))),
        metric<"val/ratio_token_var">(A(masked_variance(ratio, then.mask))));
}

}  // namespace proximal::lm
