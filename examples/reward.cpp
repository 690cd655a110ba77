// SPDX-License-Identifier: Apache-2.0
//
// Trains a reward model on preferences, with the flags of TRL's reward_modeling.py.
#include <proximal/lm/reward/check_padding.hpp>
#include <proximal/run/reward_config.hpp>
#include <proximal/run/spin_briefly.hpp>

#include "train_supervised.hpp"

int main(int argc, char** argv) {
    using namespace proximal;
    run::spin_briefly(argv);
    return lm::run_processes(
        "reward", argc, argv, examples::meet, [](std::vector<std::string> const& arguments, lm::rendezvous& meeting) {
            char const* const no_text = "a reward model writes nothing";
            return examples::train_supervised<run::RewardConfig>(
                "reward", "Trains a reward model on preferences: rows with chosen and rejected, and a prompt or none.",
                arguments, meeting,
                {{"doctor", {"its diagnoses are of PPO's metrics"}},
                 {"logits_memory_mb", {no_text}},
                 {"num_sample_generations", {no_text, "10"}},
                 {"gather_for_generation", {no_text, "true"}}},
                {"loss", "accuracy", "rewards/margins", "grad_norm"},
                [](run::RewardConfig const& config, lm::preference_objective const& objective) {
                    lm::check_padding(objective.model(), objective.prompts(64), objective.tokenizer().pad_token_id());
                    if (!config.reference_dataset_name) return false;
                    double const shift =
                        lm::center_rewards(objective.model(), config, objective.tokenizer(), examples::data_formats());
                    fmt::print("\ncentred    all rewards are shifted by {:.4g}: the references' mean is 0\n", shift);
                    return true;
                });
        });
}
