// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <proximal/io/json_file.hpp>
#include <proximal/text/bpe_cache.hpp>
#include <proximal/text/character_class.hpp>
#include <proximal/text/normalizer.hpp>
#include <proximal/text/utf8.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace proximal::text {

/// A token that is found in the text itself, before the model sees it.
struct added_token {
    std::int64_t id = 0;
    std::string content;
    bool single_word = false;             // only where no word character stands beside it
    bool lstrip = false, rstrip = false;  // takes the white space beside it along
    bool normalized = true;               // looked for, in normal form, after the text was normalised
    bool special = false;                 // decoding may leave it out

    bool operator==(added_token const&) const = default;

    /// An entry of tokenizer.json's `added_tokens`; a special token is by default not normalised.
    static added_token from_json(std::int64_t id, nlohmann::json const& j) {
        bool const special = io::value_or(j, "special", false);
        return {id,
                j.at("content").get<std::string>(),
                io::value_or(j, "single_word", false),
                io::value_or(j, "lstrip", false),
                io::value_or(j, "rstrip", false),
                io::value_or(j, "normalized", !special),
                special};
    }
    /// The entry that from_json reads, without the id.
    nlohmann::json to_json() const {
        return {{"content", content}, {"single_word", single_word}, {"lstrip", lstrip},
                {"rstrip", rstrip},   {"normalized", normalized},   {"special", special}};
    }
};

/// The added tokens, and the search for them: the leftmost, of those the longest, overlapping none.
///
/// Source: AddedVocabulary of Hugging Face's tokenizers.
class added_tokens {
   public:
    explicit added_tokens(normalizer normalize) : normalize_(std::move(normalize)) {}

    std::map<std::int64_t, added_token> const& by_id() const { return by_id_; }
    /// The one of this id, or null.
    added_token const* find(std::int64_t id) const {
        auto const found = by_id_.find(id);
        return found == by_id_.end() ? nullptr : &found->second;
    }
    /// The one of this text, or null.
    added_token const* find(std::string_view content) const {
        auto const found = id_of_.find(content);
        return found == id_of_.end() ? nullptr : find(found->second);
    }

    /// Adds tokens, or gives those of the same content their new properties.
    void add(std::vector<added_token> tokens) {
        for (auto& token : tokens) {
            if (token.content.empty()) continue;
            id_of_[token.content] = token.id;
            by_id_[token.id] = std::move(token);
        }
        for (auto& half : searches_) half = {};
        for (auto const& [id, t] : by_id_) {
            auto pattern = t.normalized ? normalize_(t.content) : t.content;
            if (pattern.empty()) continue;
            auto const first = static_cast<unsigned char>(pattern[0]);
            searches_[t.normalized][first].push_back({std::move(pattern), id});
        }
        for (auto& half : searches_)
            for (auto& candidates : half)
                std::stable_sort(candidates.begin(), candidates.end(),
                                 [](auto const& a, auto const& b) { return a.first.size() > b.first.size(); });
    }

    /// Calls on_text(view) and on_token(id), in order, for what the text consists of; `normalized` says which of the
    /// two kinds of tokens is looked for.
    template <class OnText, class OnToken>
    void split(std::string_view text, bool normalized, OnText&& on_text, OnToken&& on_token) const {
        auto const& search = searches_[normalized];
        std::size_t done = 0;
        for (std::size_t at = 0; at < text.size();) {
            auto const* const found = longest_at(search[static_cast<unsigned char>(text[at])], text.substr(at));
            if (found == nullptr) {
                ++at;
                continue;
            }
            auto const& token = by_id_.at(found->second);
            auto begin = at, end = at + found->first.size();
            at = end;
            if (token.single_word && !stands_alone(text, begin, end)) continue;
            if (token.lstrip) begin = std::max(done, stripped(text.substr(0, begin), false, true).size());
            if (token.rstrip) end = text.size() - stripped(text.substr(end), true, false).size();
            if (done < begin) on_text(text.substr(done, begin - done));
            on_token(token.id);
            done = end;
        }
        if (done < text.size()) on_text(text.substr(done));
    }

   private:
    using candidate = std::pair<std::string, std::int64_t>;
    using search_table = std::array<std::vector<candidate>, 256>;  // by first byte, longest first

    static candidate const* longest_at(std::vector<candidate> const& candidates, std::string_view text) {
        for (auto const& c : candidates)
            if (text.starts_with(c.first)) return &c;
        return nullptr;
    }
    static bool stands_alone(std::string_view text, std::size_t begin, std::size_t end) {
        return (begin == 0 || !character_class::is_word(utf8::character_before(text, begin).value)) &&
               (end == text.size() || !character_class::is_word(utf8::character_at(text, end).value));
    }

    normalizer normalize_;
    std::map<std::int64_t, added_token> by_id_;
    text_map<std::int64_t> id_of_;
    std::array<search_table, 2> searches_;
};

}  // namespace proximal::text
