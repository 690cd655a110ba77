// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <proximal/io/hub.hpp>
#include <proximal/libtorch/device.hpp>
#include <proximal/lm/model/load_model.hpp>
#include <proximal/lm/reward/model_reward.hpp>
#include <proximal/run/text_scorer.hpp>
#include <proximal/text/tokenizer.hpp>
#include <stdexcept>
#include <string>
#include <vector>

namespace examples {

/// Scores answers, given as text, by a reward model: read at the EOS, which is put behind each.
inline proximal::run::text_scorer reward_model_scorer(std::optional<std::string> const& name, bool use_cpu) {
    namespace px = proximal;
    if (!name)
        throw std::invalid_argument("--reward_model_path is missing: it names the judge of --judge reward_model");
    auto const path = px::io::resolve_model(*name);
    auto const tokenizer = px::text::tokenizer::load(path);
    bool head_was_made = false;
    auto const model =
        px::lm::load_sequence_classifier(path, at::kFloat, px::libtorch::choose_device(use_cpu), 0, &head_was_made);
    if (head_was_made)
        throw std::invalid_argument(path.string() +
                                    " has no score head, so its verdicts would be random: give a reward "
                                    "model");
    return [reward = px::lm::model_reward(model), tokenizer](std::vector<px::text::text_episode> const& episodes) {
        std::vector<px::lm::finished_episode> tokens;
        for (auto const& episode : episodes) {
            tokens.push_back({tokenizer.encode(episode.prompt), tokenizer.encode(episode.response, false)});
            if (auto const eos = tokenizer.eos_token_id()) tokens.back().response.push_back(*eos);
        }
        at::Tensor const scores = reward(tokens).scores.to(at::kCPU, at::kDouble).contiguous();
        std::vector<px::run::text_score> verdicts;
        for (std::int64_t i = 0; i < scores.numel(); ++i) verdicts.push_back({scores.const_data_ptr<double>()[i]});
        return verdicts;
    };
}

}  // namespace examples
