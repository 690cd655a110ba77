// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/proximal.hpp>

namespace cartpole {

/// What both programs learn by.
// [algorithm]
inline constexpr double discount = 0.99;  // also of what a cut-off episode would have brought: see collect
inline constexpr auto ppo = proximal::algorithm{
    proximal::unshaped{},  // the rewards are the environment's
    proximal::chain(proximal::gae{.gamma = discount, .lam = 0.95}, proximal::whiten{}),
    proximal::total(proximal::clipped_surrogate{.cliprange = 0.2}, proximal::squared_value{.vf_coef = 0.5},
                    proximal::entropy_bonus{.entropy_coef = 0.01})};
// [/algorithm]

}  // namespace cartpole
