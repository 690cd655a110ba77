// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/proximal.hpp>

// What somebody else writes: parts in a namespace of his own, known to the library by nothing but their operators.
namespace mine {

struct toll {
    double per_token = 0.5;
    static constexpr auto knobs = proximal::reflect(
        proximal::knob<"toll">(&toll::per_token, "taken from every token's reward", proximal::at_least(0)));
    constexpr auto operator()(auto rollout) const {
        rollout.rewards = rollout.rewards - per_token * rollout.mask;
        return rollout;
    }
};

struct pull {
    constexpr auto operator()(proximal::Token auto const& token) const {
        return -token.advantage * exp(token.log_ratio);
    }
};

inline constexpr auto algorithm = proximal::algorithm{proximal::chain(toll{}, proximal::terminal_score{}),
                                                      proximal::gae{.gamma = 1.0, .lam = 1.0}, pull{}};

}  // namespace mine
