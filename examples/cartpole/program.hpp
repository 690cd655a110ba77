// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <charconv>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "training.hpp"

namespace cartpole {

/// What the command line asks for.
struct request {
    std::uint64_t seed = 0, seeds = 1;
    settings run;
};

inline constexpr auto usage =
    "Balances a pole on a cart (CartPole-v1) with PPO.\n"
    "\n"
    "  --seed N       first seed (0): the same seed gives the same run\n"
    "  --seeds K      how many seeds to run, one after another (1)\n"
    "  --max_steps N  give a seed up after N steps of the environment (200000)\n"
    "  --help         this text\n"
    "\n"
    "Exit status: 0 where every seed's mean return over 100 fresh episodes is at least 475, 2 where one's is not,\n"
    "1 where a flag is wrong.\n";

/// Nothing where help is wanted. Throws std::invalid_argument, in a sentence, where a flag or its number is wrong.
inline std::optional<request> parse(std::vector<std::string> const& arguments) {
    request asked;
    for (std::size_t i = 0; i < arguments.size(); i += 2) {
        auto const& flag = arguments[i];
        auto const number = [&](std::uint64_t least) {
            auto const asks = flag + " expects a whole number of at least " + std::to_string(least);
            if (i + 1 == arguments.size()) throw std::invalid_argument(asks + ", but nothing follows it");
            auto const& text = arguments[i + 1];
            std::uint64_t value = 0;
            auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
            if (error != std::errc{} || end != text.data() + text.size() || value < least ||
                value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
                throw std::invalid_argument(asks + " and below 2^63, not '" + text + "'");
            return value;
        };
        if (flag == "--help") return std::nullopt;
        else if (flag == "--seed") asked.seed = number(0);
        else if (flag == "--seeds") asked.seeds = number(1);
        else if (flag == "--max_steps") asked.run.max_steps = static_cast<std::int64_t>(number(1));
        else throw std::invalid_argument("there is no flag '" + flag + "': see --help");
    }
    return asked;
}

/// A program that trains learners, one per seed: `make_learner(settings, seed)`. Its exit status.
template <class MakeLearner>
int run_program(char const* name, std::vector<std::string> const& arguments, MakeLearner const& make_learner) {
    try {
        auto const asked = parse(arguments);
        if (!asked) return std::fputs(usage, stdout), 0;
        std::vector<verdict> verdicts;
        for (std::uint64_t k = 0; k < asked->seeds; ++k) {
            auto const seed = asked->seed + k;
            auto learner = make_learner(asked->run, seed);
            std::printf("seed %llu\n%10s %22s\n", static_cast<unsigned long long>(seed), "steps",
                        "mean of 20 episodes");
            std::int64_t shown = 0;
            verdicts.push_back(train(learner, asked->run, seed, [&](std::int64_t steps, double mean) {
                if (steps - shown < 4096) return;
                std::printf("%10lld %22.1f\n", static_cast<long long>(steps), mean);
                std::fflush(stdout);  // in time, into a file too
                shown = steps;
            }));
        }
        std::printf("\n100 fresh episodes, the likeliest action at every step\n%20s %12s %9s %9s %8s\n", "seed",
                    "mean return", "steps", "seconds", "CPU s");
        bool every = true;
        for (auto const& v : verdicts) {
            every = every && v.mean_return >= solved;
            std::printf("%20llu %12.1f %9lld %9.1f %8.1f%s\n", static_cast<unsigned long long>(v.seed), v.mean_return,
                        static_cast<long long>(v.steps), v.seconds, v.cpu_seconds,
                        v.mean_return >= solved ? "" : "  not solved");
        }
        return every ? 0 : 2;
    } catch (std::exception const& error) {
        std::fflush(stdout);
        std::fprintf(stderr, "%s: %s\n", name, error.what());
        return 1;
    }
}

}  // namespace cartpole
