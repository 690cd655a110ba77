// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <proximal/lm/model/save_model.hpp>
#include <proximal/text/tokenizer.hpp>

namespace proximal::lm {

/// Writes a model as a Hugging Face folder with its tokenizer, whose pad token becomes the model's: without one
/// transformers scores no more than one row at a time.
template <class Model>
void save_with_tokenizer(Model model, std::filesystem::path const& folder, text::tokenizer const& words) {
    if (auto const pad = words.pad_token_id()) model.config["pad_token_id"] = *pad;
    save_model(model, folder);
    words.save(folder);
}

/// Writes a trained policy to FOLDER and its critic, where there is one, to FOLDER/value_model: both with the
/// tokenizer, as transformers' from_pretrained takes them. Each file appears whole or not at all. Departure: TRL saves
/// the policy alone; the critic is lost there.
inline void save_run(std::filesystem::path const& folder, causal_lm const& policy, sequence_classifier const* critic,
                     text::tokenizer const& words) {
    save_with_tokenizer(policy, folder, words);
    if (critic != nullptr) save_with_tokenizer(*critic, folder / "value_model", words);
}

}  // namespace proximal::lm
