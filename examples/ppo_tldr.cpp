// SPDX-License-Identifier: Apache-2.0
//
// PPO on the TL;DR task, with the flags of TRL's ppo_tldr.py: its data set, and prompts of at most 512 tokens.
#include <proximal/lm/distributed/run_processes.hpp>
#include <proximal/run/spin_briefly.hpp>

#include "processes.hpp"
#include "train_ppo.hpp"

int main(int argc, char** argv) {
    proximal::run::spin_briefly(argv);
    return proximal::lm::run_processes(
        "ppo_tldr", argc, argv, examples::meet,
        [](std::vector<std::string> const& arguments, proximal::lm::rendezvous& meeting) {
            auto const settings = [](proximal::run::PPOv2Config const& config) -> std::vector<std::string> {
                std::vector<std::string> chosen{"--output_dir=models/minimal/ppo_tldr", "--exp_name=ppo_tldr",
                                                "--max_prompt_length=512"};
                if (!config.dataset_name)
                    chosen.insert(chosen.end(), {"--dataset_name=trl-lib/tldr", "--dataset_test_split=validation"});
                return chosen;
            };
            return examples::train_ppo("Trains a summariser against a reward model on --dataset_name trl-lib/tldr.",
                                       arguments, meeting, settings);
        });
}
