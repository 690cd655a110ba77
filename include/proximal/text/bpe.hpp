// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <proximal/io/json_file.hpp>
#include <proximal/text/bpe_cache.hpp>
#include <proximal/text/merge_table.hpp>
#include <proximal/text/utf8.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace proximal::text {

/// Byte-pair encoding: a piece's characters, joined pair by pair, the pair learnt first before all others.
///
/// Source: Sennrich et al., Neural Machine Translation of Rare Words with Subword Units (2016), arXiv 1508.07909; the
/// `model` of a Hugging Face tokenizer.json with `vocab`, `merges` in either form, `ignore_merges`, `unk_token`,
/// `fuse_unk`. A character that is not in the vocabulary becomes unk_token or, without one, nothing.
/// Throws std::invalid_argument for another model, for `dropout`, `byte_fallback`, a subword prefix or suffix, and for
/// merges that do not fit the vocabulary.
class bpe {
   public:
    explicit bpe(nlohmann::json const& model) {
        refuse_unsupported(model);
        ignore_merges_ = io::value_or(model, "ignore_merges", false);
        fuse_unknown_ = io::value_or(model, "fuse_unk", false);
        for (auto const& [token, id] : model.at("vocab").items()) {
            auto const number = id.get<std::int64_t>();
            if (number < 0 || number > std::numeric_limits<std::int32_t>::max())
                throw std::invalid_argument(fmt::format("the token '{}' has the impossible id {}", token, number));
            auto const [place, fresh] = token_of_.emplace(number, token);
            if (!fresh)
                throw std::invalid_argument(
                    fmt::format("the tokens '{}' and '{}' have the same id {}", place->second, token, place->first));
            id_of_.emplace(token, place->first);
            end_id_ = std::max(end_id_, place->first + 1);
        }
        std::uint32_t rank = 0;
        for (auto const& merge : model.at("merges")) {
            auto const [left, right] = pair_of(merge);
            merges_.add(known(left, merge), known(right, merge), {rank++, known(left + right, merge)});
        }
        if (auto const unknown = model.find("unk_token"); unknown != model.end() && !unknown->is_null()) {
            unknown_ = id_of(unknown->get<std::string>());
            if (!unknown_)
                throw std::invalid_argument("the unk_token " + unknown->dump() + " is not in the vocabulary");
        }
    }

    std::size_t size() const { return id_of_.size(); }
    /// One more than the greatest id: size(), unless ids are left out.
    std::int64_t end_id() const { return end_id_; }
    /// Every token's id.
    text_map<std::int64_t> const& vocabulary() const { return id_of_; }
    /// A token's id, spelt as the vocabulary spells it; nothing where it has none.
    std::optional<std::int64_t> id_of(std::string_view token) const {
        auto const found = id_of_.find(token);
        return found == id_of_.end() ? std::nullopt : std::optional(found->second);
    }
    /// An id's token, or null.
    std::string const* token_of(std::int64_t id) const {
        auto const found = token_of_.find(id);
        return found == token_of_.end() ? nullptr : &found->second;
    }

    /// Appends the ids of one piece to `out`.
    void encode(std::string_view piece, std::vector<std::int64_t>& out) const {
        if (ignore_merges_)
            if (auto const whole = id_of(piece)) return out.push_back(*whole);
        if (cache_->append(piece, out)) return;
        auto ids = merges_.joined(characters(piece));
        out.insert(out.end(), ids.begin(), ids.end());
        cache_->remember(piece, std::move(ids));
    }

   private:
    std::vector<std::int64_t> characters(std::string_view piece) const {
        std::vector<std::int64_t> ids;
        bool after_unknown = false;
        for (std::size_t at = 0; at < piece.size();) {
            auto const size = utf8::step_at(piece, at).size;
            auto const id = id_of(piece.substr(at, size));
            if (id) ids.push_back(*id);
            else if (unknown_ && !(fuse_unknown_ && after_unknown)) ids.push_back(*unknown_);
            after_unknown = !id;
            at += size;
        }
        return ids;
    }

    static void refuse_unsupported(nlohmann::json const& model) {
        // Files from before the field "type" existed are told by what they hold.
        if (io::value_or(model, "type", std::string("BPE")) != "BPE" || !model.contains("merges"))
            throw std::invalid_argument(fmt::format("the model '{}' is not supported: only BPE is",
                                                    io::value_or(model, "type", std::string("without merges"))));
        for (auto const* const option :
             {"dropout", "byte_fallback", "continuing_subword_prefix", "end_of_word_suffix"}) {
            auto const set = model.find(option);
            bool const off = set == model.end() || set->is_null() || *set == false || *set == "" || *set == 0.0;
            if (!off)
                throw std::invalid_argument(
                    fmt::format("the model's option {} = {} is not supported", option, set->dump()));
        }
    }

    static std::pair<std::string, std::string> pair_of(nlohmann::json const& merge) {
        if (merge.is_array() && merge.size() == 2) return {merge[0].get<std::string>(), merge[1].get<std::string>()};
        if (merge.is_string()) {
            auto const& text = merge.get_ref<std::string const&>();
            auto const space = text.find(' ');
            if (space != std::string::npos && text.find(' ', space + 1) == std::string::npos)
                return {text.substr(0, space), text.substr(space + 1)};
        }
        throw std::invalid_argument("the merge " + merge.dump() + " is no pair of tokens");
    }
    std::int64_t known(std::string const& token, nlohmann::json const& merge) const {
        if (auto const id = id_of(token)) return *id;
        throw std::invalid_argument(
            fmt::format("the merge {} needs the token '{}', which is not in the vocabulary", merge.dump(), token));
    }

    text_map<std::int64_t> id_of_;
    std::unordered_map<std::int64_t, std::string> token_of_;
    std::int64_t end_id_ = 0;
    merge_table merges_;
    std::optional<std::int64_t> unknown_;
    bool ignore_merges_ = false, fuse_unknown_ = false;
    std::shared_ptr<bpe_cache> cache_ = std::make_shared<bpe_cache>();  // copies share it: a model never changes
};

}  // namespace proximal::text
