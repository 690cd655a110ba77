// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/proximal.hpp>

/// Parts of a user's own, outside the library's namespace: nothing is registered, and both have flags, ranges and
/// metrics.
namespace mine {

// [shaper]
struct brevity {  // a shaper: every response token costs a little
    double per_token = 0.01;
    static constexpr auto knobs = proximal::reflect(
        proximal::knob<"brevity">(&brevity::per_token, "what a response token costs", proximal::at_least(0)));

    template <class Array>
    constexpr proximal::rollout<Array> operator()(proximal::rollout<Array> rollout) const {
        rollout.rewards = rollout.rewards - per_token * rollout.mask;
        return rollout;
    }
};
// [/shaper]

// [loss]
struct soft_gate {  // a loss: a smooth gate in place of PPO's clip
    double tau = 2.0;
    static constexpr auto knobs = proximal::reflect(
        proximal::knob<"soft_gate_tau">(&soft_gate::tau, "sharpness of the gate", proximal::above(0)));

    constexpr auto operator()(proximal::Token auto const& token) const {
        auto const gate = sigmoid(tau * (exp(token.log_ratio) - 1.0));
        auto const loss = -token.advantage * (4.0 / tau) * gate;
        return proximal::with(loss, proximal::metric<"loss/policy_avg">(loss),
                              proximal::metric<"policy/gate_avg">(gate));
    }
};
// [/loss]

}  // namespace mine

namespace examples {

/// A shaper and a loss of one's own, beside the library's parts.
inline auto mine() {
    namespace px = proximal;
    // [mine]
    return px::algorithm{px::chain(mine::brevity{.per_token = 0.01}, px::terminal_score{}),
                         px::reinforce_plus_plus_baseline{px::dr_grpo{.group_size = 4}, px::whiten{}},
                         mine::soft_gate{.tau = 2.0}};
    // [/mine]
}

}  // namespace examples
