// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/concepts.hpp>

namespace proximal {

/// Every step is taken: TRL's PPOv2, and the stock choice.
struct unguarded {
    constexpr verdict operator()(step_summary const&) const { return verdict::take; }
};
static_assert(StepGuard<unguarded>);

}  // namespace proximal
