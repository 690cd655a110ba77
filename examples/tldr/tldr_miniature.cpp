// SPDX-License-Identifier: Apache-2.0
//
// The TL;DR experiment in miniature, on text of this machine: SFT, gold-labelled pairs, a reward model, PPO with
// several seeds, judges, and a report of what it shows and what it does not.
#include <fmt/format.h>

#include <proximal/run/options.hpp>
#include <proximal/run/program.hpp>
#include <proximal/run/spin_briefly.hpp>

#include "results.hpp"
#include "stages.hpp"

int main(int argc, char** argv) {
    proximal::run::spin_briefly(argv);
    return proximal::run::run_main("tldr_miniature", argc, argv, [](std::vector<std::string> const& arguments) {
        tldr::miniature_options options;
        auto const given = proximal::run::parse_options(
            proximal::run::any_knobs(options),
            "The TL;DR experiment in miniature: SFT, reward model, PPO, judges; see docs/results.md.", arguments);
        if (!given) return 0;
        proximal::validate(options);
        proximal::run::stopwatch const clock;
        auto const from = tldr::prepare(options);
        auto const sft = tldr::fine_tuned(from, options);
        auto const reward = tldr::rewarded(from, sft, options);
        std::vector<tldr::stage> runs;
        for (std::int64_t i = 0; i < options.seeds; ++i)
            runs.push_back(tldr::optimised(from, sft, reward, options, options.first_seed + i));
        tldr::write_results(from, sft, reward, runs, options, clock.total());
        return 0;
    });
}
