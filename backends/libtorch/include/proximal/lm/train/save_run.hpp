// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <proximal/lm/model/save_model.hpp>
#include <proximal/text/tokenizer.hpp>

namespace proximal::lm {

/// Writes a trained policy to FOLDER and its critic, where there is one, to FOLDER/value_model: both with the
/// tokenizer, as transformers' from_pretrained takes them. Each file appears whole or not at all. Departure: TRL saves
/// the policy alone; the critic is lost there.
inline void save_run(std::filesystem::path const& folder, causal_lm const& policy, sequence_classifier const* critic,
                     text::tokenizer const& words) {
    save_model(policy, folder);
    words.save(folder);
    if (critic == nullptr) return;
    save_model(*critic, folder / "value_model");
    words.save(folder / "value_model");
}

}  // namespace proximal::lm
