// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/advantage/dr_grpo.hpp>
#include <proximal/advantage/whiten.hpp>
#include <proximal/compose/chain.hpp>

namespace proximal {

/// REINFORCE++ with a group baseline: the group's mean taken off, then whitened over the whole batch.
///
///     Â = whiten(r − μ),   μ the mean of the row's group
///
/// GRPO scales each group by its own σ, this one all by the batch's.
/// Source: Hu et al., REINFORCE++ (2025), arXiv 2501.03262, the w/ Baseline variant.
///
/// Knob: dr_grpo's group_size, 8.
using reinforce_plus_plus_baseline = chain<dr_grpo, whiten>;
static_assert(AdvantageEstimator<reinforce_plus_plus_baseline>);

}  // namespace proximal
