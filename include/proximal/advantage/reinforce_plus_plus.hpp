// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/advantage/discounted_returns.hpp>
#include <proximal/advantage/whiten.hpp>
#include <proximal/compose/chain.hpp>

namespace proximal {

/// REINFORCE++: returns to go, whitened over the batch instead of a critic.
///
///     Â = whiten(R̂),   R̂[t] = r[t] + γ R̂[t+1]
///
/// Source: Hu et al., REINFORCE++ (2025), arXiv 2501.03262; its rewards carry kl_penalty<k1>, its loss is the clipped
/// surrogate.
///
/// Knob: discounted_returns' gamma, 1.
using reinforce_plus_plus = chain<discounted_returns, whiten>;
static_assert(AdvantageEstimator<reinforce_plus_plus>);

}  // namespace proximal
