// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/proximal.hpp>
#include <proximal/run/ppo_config.hpp>

namespace proximal::run {

/// The algorithm of TRL v0.11.4's PPOv2Trainer, with a configuration's numbers.
///
/// Throws std::invalid_argument, naming the flag, where a number lies outside what its part accepts.
inline auto stock_ppo(PPOv2Config const& config) {
    algorithm const ppo{
        chain(optionally(missing_eos_score{}, false),  // the N+ paper's EOS trick, where it is asked for
              optionally(missing_eos_penalty{config.missing_eos_penalty.value_or(0.0)},
                         config.missing_eos_penalty.has_value()),
              kl_penalty<k1>{.kl_coef = config.kl_coef}, terminal_score{},
              optionally(whiten_rewards{}, config.whiten_rewards)),
        chain(gae{.gamma = config.gamma, .lam = config.lam}, whiten{}),
        total(clipped_surrogate{.cliprange = config.cliprange},
              clipped_value{.vf_coef = config.vf_coef, .cliprange_value = config.cliprange_value})};
    validate(ppo);
    return ppo;
}

}  // namespace proximal::run
