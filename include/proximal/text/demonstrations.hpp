// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <proximal/text/chat_template.hpp>
#include <proximal/text/completion_text.hpp>
#include <proximal/text/encode_rows.hpp>
#include <proximal/text/record_file.hpp>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace proximal::text {

/// A prompt and the answer to learn.
struct demonstration {
    std::vector<std::int64_t> prompt, completion;
    std::string prompt_text, completion_text;
    nlohmann::json record;
};

/// What a model is fine-tuned on.
struct demonstrations {
    std::vector<demonstration> examples;
    left_out_counts left_out{};
};

/// A record's prompt and completion as text: `prompt` and `completion` (texts, or conversations' turns), `messages`
/// whose last turn is the assistant's, a query format's fields and `completion`, or `text` alone, which has an empty
/// prompt. Throws std::invalid_argument for none of these, naming the columns that are there.
inline std::pair<prompt_source, std::string> demonstration_text(nlohmann::json const& record,
                                                                tokenizer const& tokenizer,
                                                                completion_options const& options) {
    if (record.contains("completion") && (record.contains("prompt") || options.query)) {
        auto source = prompt_text(record, tokenizer, options.query);
        auto const turns = options.query ? nlohmann::json() : record["prompt"];
        return {std::move(source), completion_text(record["completion"], turns, tokenizer)};
    }
    if (record.contains("messages")) {
        auto const prompt = without_answer(record["messages"]);
        if (!prompt.is_array() || prompt.size() == record["messages"].size())
            throw std::invalid_argument("the last of its messages is not the assistant's");
        auto answer = nlohmann::json::array();
        for (auto i = prompt.size(); i < record["messages"].size(); ++i) answer.push_back(record["messages"][i]);
        return {prompt_source{.before = tokenizer.chat(prompt), .brings_special_tokens = true},
                completion_text(answer, prompt, tokenizer)};
    }
    if (record.contains("text") && record["text"].is_string())
        return {prompt_source{}, record["text"].get<std::string>()};
    throw std::invalid_argument("it holds neither \"prompt\" and \"completion\" nor \"messages\" nor \"text\"; " +
                                columns_of(record));
}

/// The demonstrations of records, in their order; those that are too long are left out and counted.
/// Throws std::runtime_error with a record's place where it is none, and naming `name` where none is left.
inline demonstrations demonstrations_of(record_table table, tokenizer const& tokenizer,
                                        completion_options const& options, std::string const& name) {
    auto const count = table.records.size();
    std::vector<std::pair<prompt_source, std::string>> texts(count);
    io::running_hash hash;
    hash.add("demonstrations").add(options.append_eos);
    for (std::size_t i = 0; i < count; ++i) {
        at_place(table, i, [&] {
            texts[i] = demonstration_text(table.records[i], tokenizer, options);
            if (texts[i].second.empty()) throw std::invalid_argument("its completion is empty");
            if (!texts[i].first.text().empty()) texts[i].second = with_prefix(std::move(texts[i].second), options);
        });
        hash_prompt(hash, texts[i].first, options.max_prompt_length);
        hash.add(texts[i].second);
    }
    auto rows = encode_rows(
        2 * count,
        [&](std::size_t row) {
            auto const& text = texts[row / 2];
            return at_place(table, row / 2, [&] {
                return row % 2 == 0 ? encode_prompt(text.first, tokenizer, options.max_prompt_length)
                                    : encode_completion(text.second, tokenizer, options);
            });
        },
        hash, tokenizer, options.how);
    demonstrations data;
    for (std::size_t i = 0; i < count; ++i) {
        auto &prompt = rows[2 * i], &completion = rows[2 * i + 1];
        auto const size = std::ssize(prompt), whole = size + std::ssize(completion);
        if (options.max_prompt_length && size > *options.max_prompt_length) ++data.left_out.long_prompts;
        else if (options.max_length && whole > *options.max_length) ++data.left_out.long_texts;
        else
            data.examples.push_back({std::move(prompt), std::move(completion), texts[i].first.text(),
                                     std::move(texts[i].second), std::move(table.records[i])});
    }
    if (data.examples.empty())
        throw std::runtime_error(fmt::format(
            "{} holds no demonstrations{}", name,
            count == 0 ? "; it needs records with \"prompt\" and \"completion\", \"messages\" or \"text\""
                       : fmt::format(" that can be used: {} are left out, {}", count, data.left_out.text())));
    return data;
}

}  // namespace proximal::text
