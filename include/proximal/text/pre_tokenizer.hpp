// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <functional>
#include <nlohmann/json.hpp>
#include <proximal/io/json_file.hpp>
#include <proximal/text/byte_level.hpp>
#include <proximal/text/character_class.hpp>
#include <proximal/text/pre_tokens.hpp>
#include <proximal/text/regex.hpp>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace proximal::text {

/// Cuts a normalised text into pieces.
using pre_tokenizer = std::function<void(pre_tokens&)>;

/// What a pattern finds in a piece, and what lies between; inverted, the two change places.
inline auto stretches_by(regex pattern, bool invert = false) {
    return [pattern = std::move(pattern), invert](std::string_view piece, std::vector<stretch>& out) {
        std::size_t end_before = 0;
        pattern.for_each_match(piece, [&](std::size_t begin, std::size_t end) {
            if (end_before != begin) out.push_back({end_before, begin, invert});
            out.push_back({begin, end, !invert});
            end_before = end;
        });
        if (end_before != piece.size()) out.push_back({end_before, piece.size(), invert});
    };
}

/// Each character of a class alone, and what lies between.
template <class IsDelimiter>
auto stretches_by_character(IsDelimiter is_delimiter) {
    return [=](std::string_view piece, std::vector<stretch>& out) {
        std::size_t begin = 0;
        for (std::size_t at = 0; at < piece.size();) {
            auto const [value, size] = utf8::character_at(piece, at);
            if (is_delimiter(value)) {
                if (begin != at) out.push_back({begin, at, false});
                out.push_back({at, at + size, true});
                begin = at + size;
            }
            at += size;
        }
        if (begin != piece.size()) out.push_back({begin, piece.size(), false});
    };
}

/// Writes every piece in the visible characters of its bytes.
inline void to_visible_bytes(pre_tokens& tokens) {
    pre_tokens visible{std::string()};
    visible.text.reserve(tokens.text.size() * 3 / 2);
    visible.pieces.reserve(tokens.pieces.size());
    for (auto const& piece : tokens.pieces) {
        auto const begin = visible.text.size();
        byte_level::append_visible(visible.text, tokens.view(piece));
        visible.pieces.push_back({begin, visible.text.size()});
    }
    tokens = std::move(visible);
}

/// Puts a space before every piece that begins with none.
inline void prefix_with_space(pre_tokens& tokens) {
    pre_tokens prefixed{std::string()};
    for (auto const& piece : tokens.pieces) {
        auto const begin = prefixed.text.size();
        if (!tokens.view(piece).starts_with(' ')) prefixed.text += ' ';
        prefixed.text += tokens.view(piece);
        prefixed.pieces.push_back({begin, prefixed.text.size()});
    }
    tokens = std::move(prefixed);
}

/// A Split's `behavior`. Throws std::invalid_argument for one that is not known.
inline split_behavior split_behavior_of(nlohmann::json const& settings) {
    auto const name = io::value_or(settings, "behavior", std::string("Isolated"));
    if (name == "Removed") return split_behavior::removed;
    if (name == "Isolated") return split_behavior::isolated;
    if (name == "MergedWithPrevious") return split_behavior::merged_with_previous;
    if (name == "MergedWithNext") return split_behavior::merged_with_next;
    if (name == "Contiguous") return split_behavior::contiguous;
    throw std::invalid_argument(fmt::format("the split behavior '{}' is not known", name));
}

/// A pattern as tokenizer.json writes it: {"Regex": ...} or {"String": ...}.
inline regex pattern_of(nlohmann::json const& pattern) {
    if (pattern.contains("String")) return regex::literal(pattern.at("String").get<std::string>());
    return regex(pattern.at("Regex").get<std::string>());
}

/// The `pre_tokenizer` of a tokenizer.json. Throws std::invalid_argument, by name, for a kind that is not one of
/// ByteLevel, Split, Digits, Punctuation, Whitespace, WhitespaceSplit, Sequence.
inline pre_tokenizer make_pre_tokenizer(nlohmann::json const& settings) {
    if (settings.is_null()) return [](pre_tokens&) {};
    auto const type = settings.at("type").get<std::string>();
    auto const splitting = [](split_behavior behavior, auto stretches_of) -> pre_tokenizer {
        return [=](pre_tokens& tokens) { split(tokens, behavior, stretches_of); };
    };
    if (type == "Sequence") {
        std::vector<pre_tokenizer> steps;
        for (auto const& step : settings.at("pretokenizers")) steps.push_back(make_pre_tokenizer(step));
        return [steps](pre_tokens& tokens) {
            for (auto const& step : steps) step(tokens);
        };
    }
    if (type == "ByteLevel") {
        bool const prefix = io::value_or(settings, "add_prefix_space", true);
        auto const cut = io::value_or(settings, "use_regex", true)
                             ? splitting(split_behavior::isolated, stretches_by(regex(byte_level::pattern)))
                             : pre_tokenizer([](pre_tokens&) {});
        return [=](pre_tokens& tokens) {
            if (prefix) prefix_with_space(tokens);
            cut(tokens);
            to_visible_bytes(tokens);
        };
    }
    if (type == "Split")
        return splitting(split_behavior_of(settings),
                         stretches_by(pattern_of(settings.at("pattern")), io::value_or(settings, "invert", false)));
    if (type == "Digits")
        return splitting(
            io::value_or(settings, "individual_digits", false) ? split_behavior::isolated : split_behavior::contiguous,
            stretches_by_character(character_class::is_numeric));
    if (type == "Punctuation")
        return splitting(split_behavior_of(settings), stretches_by_character(character_class::is_punctuation));
    if (type == "WhitespaceSplit")
        return splitting(split_behavior::removed, stretches_by_character(character_class::is_whitespace));
    if (type == "Whitespace")
        return splitting(split_behavior::removed,
                         stretches_by(regex(R"([\w\x{200C}\x{200D}]+|[^\w\s\x{200C}\x{200D}]+)"), true));
    throw std::invalid_argument(
        fmt::format("the pre-tokenizer '{}' is not supported (ByteLevel, Split, Digits, Punctuation, Whitespace, "
                    "WhitespaceSplit and "
                    "Sequence are)",
                    type));
}

}  // namespace proximal::text
