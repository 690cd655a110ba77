// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <proximal/text/completion_text.hpp>
#include <proximal/text/encode_rows.hpp>
#include <proximal/text/record_file.hpp>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace proximal::text {

/// A prompt and two answers, of which one was preferred.
struct preference {
    std::vector<std::int64_t> prompt, chosen, rejected;
    std::string prompt_text, chosen_text, rejected_text;
    nlohmann::json record;
};

/// What a reward model learns from.
struct preferences {
    std::vector<preference> pairs;
    left_out_counts left_out{};
};

/// A pair as text.
struct preference_texts {
    prompt_source prompt;
    std::string chosen, rejected;
};

namespace detail {
/// How far two texts agree, up to the beginning of a word, so that no token is cut: the blank is the answers'.
inline std::size_t common_beginning(std::string const& a, std::string const& b) {
    auto at = static_cast<std::size_t>(std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin());
    at = std::min(at, std::min(a.size(), b.size()));
    auto const is_blank = [&](std::size_t i) { return std::isspace(static_cast<unsigned char>(a[i])) != 0; };
    while (at > 0 && !(at < a.size() && at < b.size() && is_blank(at) && !is_blank(at - 1))) --at;
    return at;
}
inline nlohmann::json turns(nlohmann::json const& all, std::size_t begin, std::size_t end) {
    auto part = nlohmann::json::array();
    for (auto i = begin; i < end; ++i) part.push_back(all[i]);
    return part;
}
}  // namespace detail

/// A record's pair: `chosen` and `rejected`, texts or conversations, with a `prompt` or a query format's fields, or
/// without, where the prompt is what both begin with: of conversations the common turns, of texts as far as they agree,
/// up to the beginning of a word (TRL cuts within words). A conversation that repeats the prompt's turns is cut after
/// them. Throws std::invalid_argument naming what is missing, with the columns that are there.
inline preference_texts preference_text(nlohmann::json const& record, tokenizer const& tokenizer,
                                        completion_options const& options) {
    for (auto const& [key, other] : {std::pair{"chosen", "rejected"}, std::pair{"rejected", "chosen"}}) {
        if (record.contains(key) && !record[key].is_null()) continue;
        throw std::invalid_argument(
            record.contains(other)
                ? fmt::format("it has a \"{}\" and no \"{}\": a pair needs both; {}", other, key, columns_of(record))
                : "it holds no pair \"chosen\" and \"rejected\"; " + columns_of(record));
    }
    auto const &chosen = record["chosen"], &rejected = record["rejected"];
    if (chosen.type() != rejected.type() || !(chosen.is_string() || chosen.is_array()))
        throw std::invalid_argument("its \"chosen\" and \"rejected\" must both be texts or both conversations");
    bool const given = options.query || record.contains("prompt");
    if (chosen.is_string()) {
        auto const a = chosen.get<std::string>(), b = rejected.get<std::string>();
        if (given) return {prompt_text(record, tokenizer, options.query), a, b};
        auto const at = detail::common_beginning(a, b);
        return {{.before = a.substr(0, at)}, a.substr(at), b.substr(at)};
    }
    std::size_t common = 0, most = std::min(chosen.size(), rejected.size());
    while (common < most && chosen[common] == rejected[common]) ++common;
    if (most > 0 && common == most) --common;  // an answer each, also where one goes on behind the other
    auto prompt = detail::turns(chosen, 0, common);
    if (given && !options.query && record["prompt"].is_array()) {
        prompt = record["prompt"];
        bool const repeated = common >= prompt.size() && detail::turns(chosen, 0, prompt.size()) == prompt;
        common = repeated ? prompt.size() : 0;
    } else if (given && common == 0) {
        auto source = prompt_text(record, tokenizer, options.query);
        auto const text_of = [&](nlohmann::json const& answer) {
            if (answer.size() != 1 || !answer[0].is_object() || !answer[0].contains("content"))
                throw std::invalid_argument("its prompt is a text and its answers are conversations without it");
            return answer[0]["content"].get<std::string>();
        };
        return {std::move(source), text_of(chosen), text_of(rejected)};
    }
    if (prompt.empty()) throw std::invalid_argument("its conversations have no beginning in common, and no prompt");
    return {{.before = tokenizer.chat(prompt), .brings_special_tokens = true},
            completion_text(detail::turns(chosen, common, chosen.size()), prompt, tokenizer),
            completion_text(detail::turns(rejected, common, rejected.size()), prompt, tokenizer)};
}

/// The pairs of records, in their order; those that are too long, and those whose chosen equals its rejected, from
/// which nothing is to be learnt, are left out and counted. Throws std::runtime_error with a record's place where it
/// is no pair, and naming `name` where none is left.
inline preferences preferences_of(record_table table, tokenizer const& tokenizer, completion_options const& options,
                                  std::string const& name) {
    auto const count = table.records.size();
    std::vector<preference_texts> texts(count);
    std::vector<bool> equal(count);
    io::running_hash hash;
    hash.add("preferences").add(options.append_eos);
    for (std::size_t i = 0; i < count; ++i) {
        at_place(table, i, [&] {
            equal[i] = table.records[i].contains("chosen") && table.records[i].contains("rejected") &&
                       !table.records[i]["chosen"].is_null() &&
                       table.records[i]["chosen"] == table.records[i]["rejected"];
            if (equal[i]) return;
            texts[i] = preference_text(table.records[i], tokenizer, options);
            texts[i].chosen = with_prefix(std::move(texts[i].chosen), options);
            texts[i].rejected = with_prefix(std::move(texts[i].rejected), options);
            equal[i] = texts[i].chosen == texts[i].rejected;
        });
        hash_prompt(hash, texts[i].prompt, options.max_prompt_length);
        hash.add(texts[i].chosen).add(texts[i].rejected);
    }
    auto rows = encode_rows(
        3 * count,
        [&](std::size_t row) {
            auto const& text = texts[row / 3];
            return at_place(table, row / 3, [&] {
                if (row % 3 == 0) return encode_prompt(text.prompt, tokenizer, options.max_prompt_length);
                return encode_completion(row % 3 == 1 ? text.chosen : text.rejected, tokenizer, options);
            });
        },
        hash, tokenizer, options.how);
    preferences data;
    for (std::size_t i = 0; i < count; ++i) {
        auto &prompt = rows[3 * i], &chosen = rows[3 * i + 1], &rejected = rows[3 * i + 2];
        auto const size = std::ssize(prompt), whole = size + std::max(std::ssize(chosen), std::ssize(rejected));
        if (equal[i]) ++data.left_out.equal_pairs;
        else if (options.max_prompt_length && size > *options.max_prompt_length) ++data.left_out.long_prompts;
        else if (options.max_length && whole > *options.max_length) ++data.left_out.long_texts;
        else
            data.pairs.push_back({std::move(prompt), std::move(chosen), std::move(rejected), texts[i].prompt.text(),
                                  std::move(texts[i].chosen), std::move(texts[i].rejected),
                                  std::move(table.records[i])});
    }
    if (data.pairs.empty())
        throw std::runtime_error(fmt::format(
            "{} holds no preference pairs{}", name,
            count == 0 ? "; it needs records with \"chosen\" and \"rejected\""
                       : fmt::format(" that can be used: {} are left out, {}", count, data.left_out.text())));
    return data;
}

}  // namespace proximal::text
