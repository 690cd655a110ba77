// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <proximal/io/running_hash.hpp>
#include <proximal/text/chat_template.hpp>
#include <proximal/text/query_format.hpp>
#include <proximal/text/tokenizer.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace proximal::text {

/// The prompt of a record: in a format of several fields where one is given; else its text `prompt`, or its
/// conversation, `messages` or a list `prompt` (TRL's conversational format), rendered, without the answer at its end.
/// Throws std::invalid_argument where there is neither, naming the columns that are there.
inline prompt_source prompt_text(nlohmann::json const& record, tokenizer const& tokenizer,
                                 std::optional<query_format> const& query = std::nullopt) {
    if (query) return query_of(record, *query);
    for (auto const* const key : {"prompt", "messages"}) {
        if (!record.is_object() || !record.contains(key)) continue;
        auto const& prompt = record[key];
        if (prompt.is_array()) return {.before = tokenizer.chat(without_answer(prompt)), .brings_special_tokens = true};
        if (prompt.is_string() && std::string_view(key) == "prompt") return {.before = prompt.get<std::string>()};
    }
    throw std::invalid_argument("it holds neither a text \"prompt\" nor a list \"messages\"; " + columns_of(record));
}

/// The ids of a prompt, with the tokenizer's special tokens unless it brings its own. A text that was rendered by a
/// chat template already brings its BOS: it is not doubled. One of more than `longest` tokens is shortened as far
/// as its format allows.
inline std::vector<std::int64_t> encode_prompt(prompt_source source, tokenizer const& tokenizer,
                                               std::optional<std::int64_t> longest = std::nullopt) {
    for (;;) {
        auto ids = tokenizer.encode(source.text(), !source.brings_special_tokens);
        bool const doubled =
            !source.brings_special_tokens && ids.size() > 1 && ids[0] == ids[1] && tokenizer.bos_token_id() == ids[0];
        if (doubled) ids.erase(ids.begin());
        if (!longest || std::ssize(ids) <= *longest || !source.shorten()) return ids;
    }
}

/// All that encode_prompt's ids depend on, besides the tokenizer.
inline void hash_prompt(io::running_hash& hash, prompt_source const& source, std::optional<std::int64_t> longest) {
    hash.add(source.before).add(source.cut).add(source.after).add(source.brings_special_tokens);
    if (!source.cut.empty()) hash.add(longest.value_or(-1));
}

/// encode_prompt of a record's prompt.
inline std::vector<std::int64_t> prompt_ids(nlohmann::json const& record, tokenizer const& tokenizer) {
    return encode_prompt(prompt_text(record, tokenizer), tokenizer);
}

}  // namespace proximal::text
