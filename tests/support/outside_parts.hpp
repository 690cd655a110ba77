// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/proximal.hpp>

// Parts of somebody else's: another namespace, no registration, nothing opened in ours.
namespace mine {

namespace px = proximal;

struct toll {
    double per_token = 0.25;
    static constexpr auto knobs =
        px::reflect(px::knob<"toll">(&toll::per_token, "taken from every token's reward", px::at_least(0)));

    constexpr auto operator()(auto rollout) const {
        rollout.rewards = rollout.rewards - per_token * rollout.mask;
        return rollout;
    }
};

template <class Divergence = px::k2>
struct soft_gate {
    double tau = 2.0;
    double pull = 0.5;
    static constexpr auto knobs =
        px::reflect(px::knob<"tau">(&soft_gate::tau, "steepness of the gate", px::above(0)),
                    px::knob<"pull">(&soft_gate::pull, "weight of the divergence", px::at_least(0)));

    constexpr auto operator()(px::Token auto const& token) const {
        auto const opened = sigmoid(tau * expm1(token.log_ratio));
        auto const divergence = Divergence{}(token.logprob, token.ref_logprob);
        return with(pull * divergence - token.advantage * opened, px::metric<"mine/opened_avg">(opened));
    }
};

/// A composer of one's own: it says what it is made of.
template <class Part>
struct doubled {
    Part part{};
    static constexpr auto composes = px::composed_of(&doubled::part);

    constexpr auto operator()(px::Token auto const& token) const { return 2.0 * as_measured(part(token)).loss; }
};

/// A shaper made of a shaper: what the inner one gives, twice.
template <class Part>
struct paid_twice {
    Part shaper{};
    static constexpr auto composes = px::composed_of(&paid_twice::shaper);
    static constexpr auto pass(auto& whole, auto const& input, auto const& run) {
        auto shaped = run(whole.shaper, input);
        shaped.rewards = 2.0 * shaped.rewards;
        return shaped;
    }
    constexpr auto operator()(auto const& rollout) const { return pass(*this, rollout, px::run_part{}); }
};

/// No composer, though its members bear a composer's names.
struct third_part {
    px::gae part{};
    px::gae parts{};
    px::gae shaper{}, estimator{}, formula{}, mean{}, terms{};
    bool enabled = true;
    constexpr auto operator()(auto rollout) const {
        rollout.rewards = (enabled ? 1.0 / 3.0 : 1.0) * rollout.rewards;
        return rollout;
    }
};

/// Its loss reads little, its metrics more.
struct watchful {
    constexpr auto operator()(px::Token auto const& token) const {
        return with(-token.advantage * token.logprob, px::metric<"mine/kl">(token.logprob - token.ref_logprob),
                    px::metric<"mine/score">(token.score * token.entropy));
    }
};

/// Asks before it reads.
struct careful {
    template <class Array>
    constexpr px::rollout<Array> operator()(px::rollout<Array> rollout) const {
        if (!absent(rollout.ref_logprobs)) rollout.rewards = rollout.rewards + rollout.ref_logprobs;
        return rollout;
    }
};

/// Not constexpr: what they read is known when the program runs.
inline int words = 0;
struct talkative {
    template <class Array>
    px::rollout<Array> operator()(px::rollout<Array> rollout) const {
        ++words;
        rollout.rewards = rollout.rewards + rollout.values;
        return rollout;
    }
};
struct talkative_loss {
    auto operator()(px::Token auto const& token) const {
        ++words;
        return -token.advantage * token.logprob;
    }
};

/// Learns from what reaches it.
struct tally {
    int batches = 0;
    void absorb(auto const&) { ++batches; }
    constexpr auto operator()(auto const& rollout) const { return rollout; }
};

template <class Loss>
constexpr auto algorithm_with(Loss loss) {
    return px::algorithm{px::chain(toll{}, px::terminal_score{}), px::gae{.gamma = 1.0, .lam = 1.0}, loss};
}

}  // namespace mine
