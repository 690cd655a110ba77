// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <proximal/text/byte_level.hpp>
#include <proximal/text/pair_counts.hpp>
#include <proximal/text/pre_tokenizer.hpp>
#include <proximal/text/tokenizer.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace proximal::text {

/// Learns a byte-level BPE vocabulary: GPT-2's pre-tokenizer, the special tokens first, then the 256 bytes, then the
/// most frequent pair joined, again and again.
///
/// Source: Sennrich et al., Neural Machine Translation of Rare Words with Subword Units (2016), arXiv 1508.07909;
/// merges and ids are those of Hugging Face's BpeTrainer (ties go to the pair of smaller ids). A corpus with too few
/// pairs gives a smaller vocabulary.
class bpe_trainer {
   public:
    /// What the vocabulary is to hold.
    struct settings {
        std::size_t vocabulary_size = 4096;
        std::int64_t min_frequency = 1;  // a rarer pair is not joined
        std::string eos_token = "<|endoftext|>";
        std::string pad_token = "[PAD]";
        std::vector<std::string> more_special_tokens = {};
    };

    /// Throws std::invalid_argument for a vocabulary too small for the bytes and the special tokens.
    explicit bpe_trainer(settings chosen)
        : settings_(std::move(chosen)), cut_(make_pre_tokenizer(byte_level_settings())) {
        special_tokens_ = {settings_.eos_token, settings_.pad_token};
        special_tokens_.insert(special_tokens_.end(), settings_.more_special_tokens.begin(),
                               settings_.more_special_tokens.end());
        if (settings_.vocabulary_size < special_tokens_.size() + 256)
            throw std::invalid_argument(
                fmt::format("a vocabulary of {} tokens is too small: {} special tokens and 256 bytes come first",
                            settings_.vocabulary_size, special_tokens_.size()));
    }

    /// Counts the words of a text.
    void feed(std::string_view text) {
        pre_tokens tokens{utf8::lossy(text)};
        cut_(tokens);
        for (auto const& piece : tokens.pieces) {
            auto const view = tokens.view(piece);
            auto const found = words_.find(view);
            if (found != words_.end()) ++found->second;
            else words_.emplace(view, 1);
        }
    }

    /// The tokenizer learnt from what was fed; its save() writes the folder that Hugging Face and tokenizer::load read.
    tokenizer train() const {
        std::vector<std::string> tokens = special_tokens_;
        text_map<std::int64_t> id_of;
        auto alphabet = byte_level::characters;
        std::sort(alphabet.begin(), alphabet.end());
        for (auto const c : alphabet) utf8::append(tokens.emplace_back(), c);
        for (std::size_t id = 0; id < tokens.size(); ++id) id_of.emplace(tokens[id], static_cast<std::int64_t>(id));

        auto counts = counted(id_of);
        auto merges = nlohmann::json::array();
        while (tokens.size() < settings_.vocabulary_size) {
            auto const best = counts.most_frequent(settings_.min_frequency);
            if (!best) break;
            auto const &left = tokens[best->first], &right = tokens[best->second];
            merges.push_back(left + " " + right);
            auto const [place, fresh] = id_of.emplace(left + right, static_cast<std::int64_t>(tokens.size()));
            counts.join(*best, static_cast<pair_counts::symbol>(place->second));
            if (fresh) tokens.push_back(place->first);
        }
        return tokenizer(file(id_of, std::move(merges)), config());
    }

   private:
    static nlohmann::json byte_level_settings() {
        return {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", true}};
    }

    pair_counts counted(text_map<std::int64_t> const& id_of) const {
        pair_counts counts;
        for (auto const& [word, count] : words_) {
            std::vector<pair_counts::symbol> symbols;
            for (std::size_t at = 0; at < word.size();) {
                auto const size = utf8::character_at(word, at).size;
                symbols.push_back(
                    static_cast<pair_counts::symbol>(id_of.find(std::string_view(word).substr(at, size))->second));
                at += size;
            }
            counts.add_word(std::move(symbols), count);
        }
        return counts;
    }

    nlohmann::json file(text_map<std::int64_t> const& id_of, nlohmann::json merges) const {
        nlohmann::json j = {{"version", "1.0"},
                            {"truncation", nullptr},
                            {"padding", nullptr},
                            {"normalizer", nullptr},
                            {"pre_tokenizer", byte_level_settings()},
                            {"post_processor", byte_level_settings()},
                            {"decoder", byte_level_settings()},
                            {"added_tokens", nlohmann::json::array()}};
        for (std::size_t id = 0; id < special_tokens_.size(); ++id) {
            auto entry = added_token{.content = special_tokens_[id], .normalized = false, .special = true}.to_json();
            entry["id"] = id;
            j["added_tokens"].push_back(std::move(entry));
        }
        j["model"] = {{"type", "BPE"},
                      {"dropout", nullptr},
                      {"unk_token", nullptr},
                      {"continuing_subword_prefix", nullptr},
                      {"end_of_word_suffix", nullptr},
                      {"fuse_unk", false},
                      {"byte_fallback", false},
                      {"ignore_merges", false},
                      {"vocab", nlohmann::json::object()},
                      {"merges", std::move(merges)}};
        for (auto const& [token, id] : id_of) j["model"]["vocab"][token] = id;
        return j;
    }
    tokenizer_config config() const {
        tokenizer_config c;
        c.settings = {{"tokenizer_class", "PreTrainedTokenizerFast"}, {"clean_up_tokenization_spaces", false}};
        c.set_special_token("eos_token", settings_.eos_token);
        c.set_special_token("bos_token", settings_.eos_token);
        c.set_special_token("pad_token", settings_.pad_token);
        return c;
    }

    settings settings_;
    pre_tokenizer cut_;
    std::vector<std::string> special_tokens_;
    text_map<std::int64_t> words_;
};

/// The same in one go: a tokenizer learnt from any range of texts.
template <class Texts>
tokenizer train_bpe(Texts const& texts, bpe_trainer::settings settings = {}) {
    bpe_trainer trainer(std::move(settings));
    for (auto const& text : texts) trainer.feed(text);
    return trainer.train();
}

}  // namespace proximal::text
