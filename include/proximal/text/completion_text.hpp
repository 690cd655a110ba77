// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <cctype>
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <proximal/text/encode_rows.hpp>
#include <proximal/text/prompt_text.hpp>
#include <proximal/text/tokenizer.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace proximal::text {

/// How prompts and what answers them become ids.
///
/// Source of the prefix and of EOS: Huang et al., The N+ Implementation Details of RLHF with PPO (2024), arXiv
/// 2403.17031: reference summaries get a leading blank, as the query ends without one, and EOS.
struct completion_options {
    std::string completion_prefix{};  // put before a completion that begins with no blank; " " is N+'s
    bool append_eos = true;           // once: a completion that ends in EOS stays as it is
    std::optional<std::int64_t> max_prompt_length{};
    std::optional<std::int64_t> max_length{};  // of prompt and completion together
    std::optional<query_format> query{};       // a prompt of several fields
    encoding how{};
};

/// The text that answers a prompt: a text, or a conversation's turns behind the prompt's as the template writes them,
/// without the blank line at their end. `prompt`: the turns before. Throws std::invalid_argument for what is neither.
inline std::string completion_text(nlohmann::json const& value, nlohmann::json const& prompt,
                                   tokenizer const& tokenizer) {
    if (value.is_string()) return value.get<std::string>();
    if (!value.is_array() || value.empty())
        throw std::invalid_argument("a completion must be a text or a conversation's turns");
    auto all = prompt.is_array() ? prompt : nlohmann::json::array();
    for (auto const& turn : value) all.push_back(turn);
    auto text = tokenizer.chat(all);
    auto const before = prompt.is_array() ? tokenizer.chat(prompt) : std::string();
    std::string_view const behind = "\n\nAssistant:";
    if (!text.starts_with(before))
        throw std::invalid_argument("a conversation's completion must begin with the assistant's turn");
    text.erase(text.size() - behind.size());
    return text.substr(before.size());
}

/// A completion with its prefix.
inline std::string with_prefix(std::string text, completion_options const& options) {
    bool const blank = !text.empty() && std::isspace(static_cast<unsigned char>(text.front())) != 0;
    return blank ? text : options.completion_prefix + text;
}

/// The ids of a completion, without special tokens but with EOS at its end, once.
/// Throws std::invalid_argument where EOS is asked for and the tokenizer has none.
inline std::vector<std::int64_t> encode_completion(std::string_view text, tokenizer const& tokenizer,
                                                   completion_options const& options) {
    auto ids = tokenizer.encode(text, false);
    if (!options.append_eos) return ids;
    auto const eos = tokenizer.eos_token_id();
    if (!eos) throw std::invalid_argument("the tokenizer names no eos_token, which ends a completion");
    if (ids.empty() || ids.back() != *eos) ids.push_back(*eos);
    return ids;
}

/// What was left out of a data set, and why.
struct left_out_counts {
    std::size_t long_prompts = 0;  // of more than max_prompt_length tokens
    std::size_t long_texts = 0;    // of more than max_length with a completion
    std::size_t equal_pairs = 0;   // whose chosen equals its rejected

    std::size_t all() const { return long_prompts + long_texts + equal_pairs; }
    /// In words, for a sentence: "3 prompts longer than max_prompt_length, 1 ...".
    std::string text() const {
        std::string words;
        auto const add = [&](std::size_t count, std::string_view what) {
            if (count > 0) words += fmt::format("{}{} {}", words.empty() ? "" : ", ", count, what);
        };
        add(long_prompts, "with a prompt longer than max_prompt_length");
        add(long_texts, "longer than max_length with a completion");
        add(equal_pairs, "whose chosen equals its rejected");
        return words;
    }
};

}  // namespace proximal::text
