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

}  // namespace proximal::lm
