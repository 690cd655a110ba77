// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <proximal/io/atomic_file.hpp>
#include <proximal/io/running_hash.hpp>
#include <proximal/text/added_tokens.hpp>
#include <proximal/text/added_tokens_of_folder.hpp>
#include <proximal/text/bpe.hpp>
#include <proximal/text/byte_level.hpp>
#include <proximal/text/chat_template.hpp>
#include <proximal/text/normalizer.hpp>
#include <proximal/text/post_processor.hpp>
#include <proximal/text/pre_tokenizer.hpp>
#include <proximal/text/tokenizer_config.hpp>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace proximal::text {

/// A byte-level BPE tokenizer read from a Hugging Face folder: text to ids and back.
///
///     text → added tokens out → normalizer → added tokens out → pre_tokenizer → BPE → post_processor → ids
///
/// The ids are those of the PyPI package `tokenizers` and, with tokenizer_config.json, those of transformers' fast
/// class: GPT2Tokenizer and GPTNeoXTokenizer overrule `add_prefix_space`, the latter also the post-processor by
/// `add_bos_token` and `add_eos_token`; tokens of `added_tokens_decoder` and special tokens that tokenizer.json lacks
/// are added. A part that is not supported is refused by name, never passed over.
///
/// Departures: `truncation` and `padding` of tokenizer.json are left to the caller, as transformers does; decoding
/// never tidies spaces before punctuation (transformers' clean_up_tokenization_spaces).
///
/// Safe to use from several threads, as long as none adds tokens.
class tokenizer {
   public:
    /// Throws std::runtime_error, naming the file and the remedy, where one is missing, broken or not supported.
    static tokenizer load(std::filesystem::path const& folder) {
        auto const file = folder / "tokenizer.json";
        if (!std::filesystem::is_directory(folder))
            throw std::runtime_error(
                fmt::format("{} is no folder; give the folder that holds tokenizer.json", folder.string()));
        if (!std::filesystem::exists(file))
            throw std::runtime_error(
                fmt::format("{} holds no tokenizer.json; let Python's AutoTokenizer.from_pretrained(...)"
                            ".save_pretrained(...) write one",
                            folder.string()));
        try {
            return tokenizer(io::read_json(file), tokenizer_config::load(folder));
        } catch (nlohmann::json::exception const& error) {
            throw std::runtime_error(
                fmt::format("the tokenizer in {} lacks what it needs ({}); fetch or write it again", folder.string(),
                            io::json_trouble(error)));
        } catch (std::logic_error const& error) {
            throw std::runtime_error(
                fmt::format("the tokenizer in {} cannot be used: {}", folder.string(), error.what()));
        }
    }

    /// From the content of a tokenizer.json and of what stands beside it.
    explicit tokenizer(nlohmann::json file, tokenizer_config config = {})
        : file_(std::make_shared<nlohmann::json const>(std::move(file))),
          config_(std::move(config)),
          model_(file_->at("model")),
          normalize_(make_normalizer(part("normalizer"))),
          split_(make_pre_tokenizer(config_.overrule(part("pre_tokenizer")))),
          added_(read_added_tokens(*file_, config_, model_, normalize_)) {
        auto const decoder = part("decoder");
        byte_level_decoder_ = !decoder.is_null();
        if (byte_level_decoder_ && decoder.at("type") != "ByteLevel")
            throw std::invalid_argument("the decoder " + decoder.at("type").dump() +
                                        " is not supported (ByteLevel is)");
        around_ = config_.is_gpt_neox() ? gpt_neox_post_processor(config_.settings, bos_token_id(), eos_token_id())
                                        : make_post_processor(part("post_processor"));
    }

    /// The ids of a text. Throws std::invalid_argument for a text that is no valid UTF-8.
    std::vector<std::int64_t> encode(std::string_view text, bool add_special_tokens = true) const {
        if (auto const bad = utf8::first_invalid(text))
            throw std::invalid_argument(fmt::format("the text is no valid UTF-8 at byte {}; convert it first", *bad));
        std::vector<std::int64_t> ids;
        if (add_special_tokens) ids = around_.before;
        auto const push = [&](std::int64_t id) { ids.push_back(id); };
        auto const push_pieces = [&](std::string_view normal) {
            pre_tokens tokens{std::string(normal)};
            split_(tokens);
            for (auto const& piece : tokens.pieces) model_.encode(tokens.view(piece), ids);
        };
        added_.split(
            text, false,
            [&](std::string_view raw) { added_.split(normalize_(std::string(raw)), true, push_pieces, push); }, push);
        if (add_special_tokens) ids.insert(ids.end(), around_.after.begin(), around_.after.end());
        return ids;
    }

    /// The text of ids, with U+FFFD where bytes make no UTF-8. Ids without a token, such as those of rows that only pad
    /// a model's vocabulary, give nothing.
    std::string decode(std::span<std::int64_t const> ids, bool skip_special_tokens = false) const {
        std::string bytes;
        for (bool first = true; auto const id : ids) {
            auto const* const added = added_.find(id);
            auto const* const token = added != nullptr ? &added->content : model_.token_of(id);
            if (token == nullptr || (skip_special_tokens && added != nullptr && added->special)) continue;
            if (byte_level_decoder_) byte_level::append_bytes(bytes, *token);
            else bytes += (first ? "" : " ") + *token;
            first = false;
        }
        return utf8::lossy(bytes);
    }

    /// How many tokens there are, added ones included: Hugging Face's len(tokenizer).
    std::size_t size() const {
        std::size_t more = 0;
        for (auto const& [id, token] : added_.by_id()) more += !model_.id_of(token.content);
        return model_.size() + more;
    }
    /// A token's id, added or of the vocabulary; nothing where it has none.
    std::optional<std::int64_t> id_of(std::string_view token) const {
        if (auto const* const added = added_.find(token)) return added->id;
        return model_.id_of(token);
    }
    /// The token as the vocabulary spells it, in visible characters for its bytes. Throws std::invalid_argument for an
    /// id without a token.
    std::string token_of(std::int64_t id) const {
        if (auto const* const added = added_.find(id)) return added->content;
        if (auto const* const token = model_.token_of(id)) return *token;
        throw std::invalid_argument(fmt::format("the id {} has no token; ids go from 0 to {}", id, size() - 1));
    }

    /// The token that ends a text; nothing where none is named.
    std::optional<std::int64_t> eos_token_id() const { return id_in_role("eos_token"); }
    /// The token that begins a text; nothing where none is named.
    std::optional<std::int64_t> bos_token_id() const { return id_in_role("bos_token"); }
    /// The token that fills a row up; nothing where none is named.
    std::optional<std::int64_t> pad_token_id() const { return id_in_role("pad_token"); }

    /// Makes a token the padding token and gives its id: a token of this text if there is one, else the next free id,
    /// which is size(). transformers' add_special_tokens({"pad_token": token}).
    std::int64_t add_pad_token(std::string_view token = "[PAD]") {
        config_.set_special_token("pad_token", token);
        auto const* const known = added_.find(token);
        if (known == nullptr || !known->special) {
            added_.add({special_token(std::string(token), model_, added_)});
            changed_ = true;
        }
        return *id_of(token);
    }

    /// A number for all that the ids of a text depend on: another vocabulary, setting or added token gives another one.
    std::uint64_t content_hash() const {
        io::running_hash hash;
        hash.add(file_->dump()).add(config_.settings.dump());
        for (auto const* const role : tokenizer_config::roles) hash.add(config_.special_token(role).value_or(""));
        for (auto const& [id, token] : added_.by_id()) hash.add(id).add(token.to_json().dump());
        return hash.value();
    }

    /// A conversation as one prompt, by TRL's simple template. Throws std::runtime_error if the folder brings a
    /// template of its own, for Jinja is not interpreted here.
    std::string chat(nlohmann::json const& messages) const {
        if (auto const own = config_.chat_template(); own && *own != simple_chat_template)
            throw std::runtime_error(
                "the tokenizer's own chat_template is not interpreted; render the messages with it first and give them "
                "as `prompt`");
        return simple_chat(messages);
    }

    /// Writes tokenizer.json, tokenizer_config.json and special_tokens_map.json, which Hugging Face and load() read
    /// back, into a folder that is made if need be. Keys that nothing here reads are kept.
    void save(std::filesystem::path const& folder) const {
        std::filesystem::create_directories(folder);
        auto file = *file_;
        if (changed_) {
            file["added_tokens"] = nlohmann::json::array();
            for (auto const& [id, token] : added_.by_id()) {
                auto entry = token.to_json();
                entry["id"] = id;
                file["added_tokens"].push_back(std::move(entry));
            }
        }
        io::write_file(folder / "tokenizer.json", file.dump(2) + "\n");
        config_.save(folder);
    }

   private:
    nlohmann::json part(char const* name) const { return file_->value(name, nlohmann::json()); }

    std::optional<std::int64_t> id_in_role(char const* role) const {
        auto const token = config_.special_token(role);
        return token ? id_of(*token) : std::nullopt;
    }

    std::shared_ptr<nlohmann::json const> file_;  // tokenizer.json as it was read; copies share it
    tokenizer_config config_;
    bpe model_;
    normalizer normalize_;
    pre_tokenizer split_;
    added_tokens added_;
    post_processor around_;
    bool byte_level_decoder_ = false, changed_ = false;
};

}  // namespace proximal::text
