// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <deque>
#include <numeric>
#include <vector>

#include "algorithm.hpp"
#include "collect.hpp"

namespace cartpole {

/// How PPO runs. The defaults solve CartPole-v1 on both backends in about 30 000 steps.
struct settings {
    std::size_t width = 64;            // of both hidden layers, in the policy and in the critic
    std::size_t carts = 8;             // side by side
    std::size_t steps = 128;           // of each cart, between updates
    std::size_t epochs = 10;           // through an update's steps
    std::size_t batch = 128;           // steps of carts per step of descent
    double learning_rate = 1e-3;       // falls to 0 along a line that ends at max_steps
    std::int64_t max_steps = 200'000;  // of all carts together
};

inline constexpr double solved = 475.0;  // Gymnasium's threshold: the mean return of 100 episodes

/// One seed's run.
struct verdict {
    std::uint64_t seed = 0;
    std::int64_t steps = 0;                   // of all carts, in training
    double mean_return = 0.0;                 // of 100 fresh episodes, the likeliest action at every step
    double seconds = 0.0, cpu_seconds = 0.0;  // training and evaluation
};

/// Trains until the latest 20 episodes of training all but reach the longest return and 20 others, by the likeliest
/// action at every step, do reach it, or until max_steps; then evaluates 100 fresh episodes that decided nothing
/// before.
///
/// A learner judges states, evaluates a recording and learns from some of its steps: eigen_learner, torch_learner.
/// `progress(steps, mean return of the latest 20 episodes of training)` hears of every update after which there is one.
template <class Learner, class Progress>
verdict train(Learner& learner, settings const& run, std::uint64_t seed, Progress const& progress) {
    auto const began = std::chrono::steady_clock::now();
    std::clock_t const cpu_began = std::clock();
    environment carts(run.carts, random_stream(seed, purpose::carts));
    random_stream acting(seed, purpose::actions), ordering(seed, purpose::order);
    auto const judge = [&](std::vector<state> const& states) { return learner.judge(states); };

    verdict result{.seed = seed};
    std::deque<double> latest;
    while (result.steps < run.max_steps) {
        auto const learning_rate =
            run.learning_rate * (1.0 - static_cast<double>(result.steps) / static_cast<double>(run.max_steps));
        auto const steps = collect(judge, carts, run.steps, discount, acting);
        auto const judged = learner.evaluate(steps);
        std::vector<std::size_t> order(steps.size());
        std::iota(order.begin(), order.end(), std::size_t{0});
        for (std::size_t epoch = 0; epoch < run.epochs; ++epoch) {
            ordering.shuffle(order);
            for (auto from = order.begin(); from != order.end();) {
                auto const to =
                    from + std::min<std::ptrdiff_t>(static_cast<std::ptrdiff_t>(run.batch), order.end() - from);
                learner.learn(steps, judged, {from, to}, learning_rate);
                from = to;
            }
        }
        result.steps += static_cast<std::int64_t>(steps.size());
        for (double const one : steps.returns) {
            latest.push_back(one);
            if (latest.size() > 20) latest.pop_front();
        }
        if (latest.empty()) continue;
        double const mean = std::accumulate(latest.begin(), latest.end(), 0.0) / static_cast<double>(latest.size());
        progress(result.steps, mean);
        if (latest.size() == 20 && mean >= 0.99 * longest_episode &&
            mean_return(judge, 20, random_stream(seed, purpose::stopping)) == longest_episode)
            break;
    }
    result.mean_return = mean_return(judge, 100, random_stream(seed, purpose::evaluation));
    result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    result.cpu_seconds = static_cast<double>(std::clock() - cpu_began) / CLOCKS_PER_SEC;
    return result;
}

}  // namespace cartpole
