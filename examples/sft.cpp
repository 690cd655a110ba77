// SPDX-License-Identifier: Apache-2.0
//
// Supervised fine-tuning of a language model on demonstrations, with the flags of TRL's sft.py.
#include <proximal/run/sft_config.hpp>
#include <proximal/run/spin_briefly.hpp>

#include "train_supervised.hpp"

int main(int argc, char** argv) {
    using namespace proximal;
    run::spin_briefly(argv);
    return lm::run_processes(
        "sft", argc, argv, examples::meet, [](std::vector<std::string> const& arguments, lm::rendezvous& meeting) {
            return examples::train_supervised<run::SFTConfig>(
                "sft",
                "Fine-tunes a language model on demonstrations: rows with prompt and completion, messages, or text.",
                arguments, meeting,
                {{"doctor", {"its diagnoses are of PPO's metrics"}},
                 {"logits_memory_mb", {"logits are never whole here"}}},
                {"loss", "loss/completion", "grad_norm", "learning_rate"},
                [](run::SFTConfig const&, lm::demonstration_objective const&) { return false; });
        });
}
