// SPDX-License-Identifier: Apache-2.0
//
// Trains a language model with PPO, TRL's quick start, or by --algorithm with another of examples/algorithms. With
// TRL's flags it takes models and data from folders or from the local Hugging Face cache; with no model and no data it
// makes small ones of its own from text on this machine.
#include <fmt/format.h>

#include <proximal/run/spin_briefly.hpp>

#include "train_ppo.hpp"

int main(int argc, char** argv) {
    proximal::run::spin_briefly(argv);
    return proximal::lm::run_processes(
        "ppo", argc, argv, examples::meet,
        [](std::vector<std::string> const& arguments, proximal::lm::rendezvous& meeting) {
            auto const about = fmt::format(
                "Trains a language model. With no model and no data, makes small ones from text on this machine. "
                "--algorithm is {}.",
                examples::algorithm_names());
            return examples::train_ppo(about, arguments, meeting, proximal::quickstart::settings_for,
                                       /*may_make_its_own=*/true);
        });
}
