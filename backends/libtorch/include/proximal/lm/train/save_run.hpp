// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <proximal/lm/model/save_model.hpp>
#include <proximal/text/tokenizer.hpp>

namespace proximal::lm {

/// Writes a trained policy to FOLDER and its critic, where there is one, to FOLDER/value_model: both with the
/// tokenizer, as transformers' from_pretrained takes them, and with the tokenizer's pad token as theirs: without one
/// transformers scores no more than one row at a time. Each file appears whole or not at all. Departure: TRL saves
/// the policy alone; the critic is lost there.
inline void save_run(std::filesystem::path const& folder, causal_lm const& policy, sequence_classifier const* critic,
                     text::tokenizer const& words) {
    auto const save = [&](auto model, std::filesystem::path const& to) {
        if (auto const pad = words.pad_token_id()) model.config["pad_token_id"] = *pad;
        save_model(model, to);
        words.save(to);
    };
    save(policy, folder);
    if (critic != nullptr) save(*critic, folder / "value_model");
}

}  // namespace proximal::lm
