// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstddef>
#include <vector>

#include "recording.hpp"

namespace cartpole {

/// An action drawn from π(·|s).
inline std::size_t sample(opinion const& one, random_stream& random) {
    double left = random.uniform();
    for (std::size_t a = 0; a + 1 < actions; ++a)
        if ((left -= std::exp(one.logprobs[a])) < 0.0) return a;
    return actions - 1;
}

/// The likeliest action.
inline std::size_t likeliest(opinion const& one) {
    std::size_t best = 0;
    for (std::size_t a = 1; a < actions; ++a)
        if (one.logprobs[a] > one.logprobs[best]) best = a;
    return best;
}

/// Acts for `steps` steps in every cart, from where each stands.
///
/// A row of the recording ends with its episode or with the recording. GAE takes V to be 0 after a row's end, which is
/// right where the pole fell; where the row was only cut off, γ V(next state) joins its last reward:
///
///     r[last] + γ V(next),   so that   δ[last] = r[last] + γ V(next) − V[last]   as if the row went on
///
/// `judge` gives an opinion per state.
template <class Judge>
recording collect(Judge const& judge, environment& carts, std::size_t steps, double gamma, random_stream& random) {
    std::size_t const count = carts.states().size();
    recording r{.rows = count, .columns = steps};
    std::vector<std::size_t> row(count), column(count, 0), chosen(count);
    for (std::size_t i = 0; i < count; ++i) row[i] = i;
    std::vector<std::size_t> cut;  // steps whose row was cut off, and what came next
    std::vector<state> next;
    for (std::size_t t = 0; t < steps; ++t) {
        auto const before = carts.states();
        std::vector<opinion> const opinions = judge(before);
        for (std::size_t i = 0; i < count; ++i) chosen[i] = sample(opinions[i], random);
        auto const outcomes = carts.step(chosen);
        for (std::size_t i = 0; i < count; ++i) {
            auto const& after = outcomes[i];
            if (after.truncated || (t + 1 == steps && !after.terminated))
                cut.push_back(r.size()), next.push_back(after.reached);
            r.cells.push_back(row[i] * steps + column[i]++);
            r.states.push_back(before[i]);
            r.chosen.push_back(chosen[i]);
            r.logprobs.push_back(opinions[i].logprobs[chosen[i]]);
            r.values.push_back(opinions[i].value);
            r.rewards.push_back(1.0);
            if (!after.ended()) continue;
            r.returns.push_back(after.length);
            if (t + 1 < steps) row[i] = r.rows++, column[i] = 0;
        }
    }
    if (cut.empty()) return r;
    std::vector<opinion> const opinions = judge(next);
    for (std::size_t k = 0; k < cut.size(); ++k) r.rewards[cut[k]] += gamma * opinions[k].value;
    return r;
}

/// The mean return of `episodes` fresh episodes, the likeliest action at every step.
template <class Judge>
double mean_return(Judge const& judge, std::size_t episodes, random_stream const& random) {
    environment carts(episodes, random);
    std::vector<int> length(episodes, 0);
    std::vector<std::size_t> chosen(episodes);
    for (int t = 0; t < longest_episode; ++t) {
        std::vector<opinion> const opinions = judge(carts.states());
        for (std::size_t i = 0; i < episodes; ++i) chosen[i] = likeliest(opinions[i]);
        auto const outcomes = carts.step(chosen);
        for (std::size_t i = 0; i < episodes; ++i)
            if (length[i] == 0 && outcomes[i].ended()) length[i] = outcomes[i].length;
    }
    double total = 0.0;
    for (int const l : length) total += l;
    return total / static_cast<double>(episodes);
}

}  // namespace cartpole
