// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <stdexcept>
#include <string>
#include <vector>

#include "random_stream.hpp"

namespace cartpole {

/// A cart on a track with a pole on it: metres, radians, seconds. The whole of it is observed.
struct state {
    double x = 0.0, x_dot = 0.0, theta = 0.0, theta_dot = 0.0;
    friend bool operator==(state const&, state const&) = default;
};
inline constexpr std::size_t observed = 4;                          // numbers in a state
inline constexpr std::size_t actions = 2;                           // 0 pushes to the left, 1 to the right
inline constexpr int longest_episode = 500;                         // steps
inline constexpr double track = 2.4;                                // |x| beyond it ends an episode
inline constexpr double leaning = 12.0 * std::numbers::pi / 180.0;  // |θ| beyond it does too

inline std::array<double, observed> numbers(state const& s) { return {s.x, s.x_dot, s.theta, s.theta_dot}; }

/// The state 0.02 s later.
///
///     a = (F + m l θ̇² sin θ) / (M + m)
///     θ̈ = (g sin θ − a cos θ) / (l (4/3 − m cos² θ / (M + m)))
///     ẍ = a − m l θ̈ cos θ / (M + m)
///
/// Source: Barto, Sutton, Anderson, Neuronlike Adaptive Elements That Can Solve Difficult Learning Control Problems
/// (1983), without friction; constants and the explicit Euler step are Gymnasium's CartPole-v1.
/// Throws std::invalid_argument where the action is none.
inline state push(state const& s, std::size_t action) {
    if (action >= actions)
        throw std::invalid_argument("cartpole: action " + std::to_string(action) + ": choose 0 (left) or 1 (right)");
    constexpr double g = 9.8, cart = 1.0, pole = 0.1, half_length = 0.5, tau = 0.02, mass = cart + pole;
    double const force = action == 1 ? 10.0 : -10.0, sine = std::sin(s.theta), cosine = std::cos(s.theta);
    double const a = (force + pole * half_length * s.theta_dot * s.theta_dot * sine) / mass;
    double const theta_dot_dot = (g * sine - a * cosine) / (half_length * (4.0 / 3.0 - pole * cosine * cosine / mass));
    double const x_dot_dot = a - pole * half_length * theta_dot_dot * cosine / mass;
    return {s.x + tau * s.x_dot, s.x_dot + tau * x_dot_dot, s.theta + tau * s.theta_dot,
            s.theta_dot + tau * theta_dot_dot};
}

/// Whether the cart has left the track or the pole has tilted too far.
inline bool fallen(state const& s) { return std::abs(s.x) > track || std::abs(s.theta) > leaning; }

/// What a step led to. The reward is 1, always.
struct outcome {
    state reached;            // before any reset
    bool terminated = false;  // fallen: nothing more was to be had
    bool truncated = false;   // out of time: more was to be had
    int length = 0;           // steps of the episode so far, its return as well

    bool ended() const { return terminated || truncated; }
};

/// CartPole-v1, several at once. One that ends starts anew in the same step, uniform in ±0.05 in each number.
/// The random stream and the actions fix everything. Throws std::invalid_argument where there is to be no cart.
class environment {
   public:
    environment(std::size_t count, random_stream const& random) : random_(random), states_(count), lengths_(count, 0) {
        if (count == 0) throw std::invalid_argument("cartpole: an environment of 0 carts: ask for at least 1");
        for (auto& s : states_) s = start();
    }

    /// Where each cart stands now: after an episode's end the next one's start.
    std::vector<state> const& states() const { return states_; }

    /// Puts a cart where one wants it, `length` steps into an episode. Throws std::out_of_range where there is none.
    void place(std::size_t cart, state const& s, int length = 0) { states_.at(cart) = s, lengths_.at(cart) = length; }

    /// One action per cart. Throws std::invalid_argument where their number is another.
    std::vector<outcome> step(std::vector<std::size_t> const& chosen) {
        if (chosen.size() != states_.size())
            throw std::invalid_argument("cartpole: " + std::to_string(chosen.size()) + " actions for " +
                                        std::to_string(states_.size()) + " carts: give one per cart");
        std::vector<outcome> outcomes(states_.size());
        for (std::size_t i = 0; i < states_.size(); ++i) {
            auto& o = outcomes[i];
            o.reached = push(states_[i], chosen[i]);
            o.length = ++lengths_[i];
            o.terminated = fallen(o.reached);
            o.truncated = !o.terminated && o.length == longest_episode;
            states_[i] = o.ended() ? start() : o.reached;
            if (o.ended()) lengths_[i] = 0;
        }
        return outcomes;
    }

   private:
    state start() {
        state s;
        for (double* x : {&s.x, &s.x_dot, &s.theta, &s.theta_dot}) *x = random_.uniform(-0.05, 0.05);
        return s;
    }

    random_stream random_;
    std::vector<state> states_;
    std::vector<int> lengths_;
};

}  // namespace cartpole
