// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <proximal/io/json_file.hpp>
#include <proximal/text/added_tokens.hpp>
#include <proximal/text/bpe.hpp>
#include <proximal/text/normalizer.hpp>
#include <proximal/text/tokenizer_config.hpp>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace proximal::text {

/// The id a token of this text has or, not there yet, would get: the one after all others.
inline std::int64_t id_for(std::string const& content, bpe const& model, added_tokens const& added) {
    if (auto const* const token = added.find(content)) return token->id;
    if (auto const id = model.id_of(content)) return *id;
    auto const first = model.end_id();
    return added.by_id().empty() ? first : std::max(first, added.by_id().rbegin()->first + 1);
}

/// A special token of this text, under the id that id_for gives.
inline added_token special_token(std::string content, bpe const& model, added_tokens const& added) {
    auto const id = id_for(content, model, added);
    return {.id = id, .content = std::move(content), .normalized = false, .special = true};
}

/// The added tokens of tokenizer.json, then those of tokenizer_config.json's `added_tokens_decoder`, then the special
/// tokens in neither: the order of transformers' fast tokenizers, so that new ones get the same ids.
/// Throws std::invalid_argument where an id contradicts the vocabulary.
inline added_tokens read_added_tokens(nlohmann::json const& file, tokenizer_config const& config, bpe const& model,
                                      normalizer const& normalize) {
    added_tokens added(normalize);
    std::vector<added_token> tokens;
    for (auto const& entry : io::value_or(file, "added_tokens", nlohmann::json::array())) {
        auto token = added_token::from_json(entry.at("id").get<std::int64_t>(), entry);
        if (auto const id = model.id_of(token.content); id && *id != token.id)
            throw std::invalid_argument(fmt::format("the added token '{}' has the id {} but the vocabulary says {}",
                                                    token.content, token.id, *id));
        tokens.push_back(std::move(token));
    }
    added.add(std::move(tokens));

    auto const specials = config.special_tokens();
    std::map<std::int64_t, nlohmann::json> listed;
    auto const decoder = io::value_or(config.settings, "added_tokens_decoder", nlohmann::json::object());
    for (auto const& [id, entry] : decoder.items()) listed.emplace(std::stoll(id), entry);
    for (auto const& [id, entry] : listed) {
        auto token = added_token::from_json(id, entry);
        token.id = id_for(token.content, model, added);
        token.special |= std::find(specials.begin(), specials.end(), token.content) != specials.end();
        if (auto const* const same = added.find(token.content); same == nullptr || *same != token) added.add({token});
    }
    for (auto const& content : specials)
        if (added.find(content) == nullptr) added.add({special_token(content, model, added)});
    return added;
}

}  // namespace proximal::text
