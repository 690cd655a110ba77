// SPDX-License-Identifier: Apache-2.0
//
// Trains a language model with PPO, TRL's quick start, or by --algorithm with another of examples/algorithms. With
// TRL's flags it takes models and data from folders or from the local Hugging Face cache; with no model and no data it
// makes small ones of its own from text on this machine.
#include <proximal/lm/distributed/run_processes.hpp>
#include <proximal/run/spin_briefly.hpp>

#include "processes.hpp"
#include "train_ppo.hpp"

int main(int argc, char** argv) {
    proximal::run::spin_briefly(argv);
    return proximal::lm::run_processes(
        "ppo", argc, argv, examples::meet,
        [](std::vector<std::string> const& arguments, proximal::lm::rendezvous& meeting) {
            return examples::train_ppo(
                "Trains a language model. With no model and no data, makes small ones from text on this machine.",
                arguments, meeting);
        });
}
