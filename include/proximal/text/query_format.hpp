// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <string_view>

namespace proximal::text {

/// A prompt made of several fields of a record: `text` with `{field}` where the field's text stands, `{info.title}` for
/// one of an object within. Of a prompt that is too long the field `cut` is shortened, at its last line break, else its
/// last blank, as often as need be.
struct query_format {
    std::string text;
    std::string cut{};
};

/// The query of OpenAI's TL;DR summaries: subreddit, title and post, of which the post is cut; no blank at its end.
///
/// Source: Stiennon et al., Learning to summarize from human feedback (2020), arXiv 2009.01325; Huang et al., The N+
/// Implementation Details of RLHF with PPO (2024), arXiv 2403.17031, which takes at most 512 tokens.
inline query_format tldr_query() {
    return {"SUBREDDIT: r/{subreddit}\n\nTITLE: {title}\n\nPOST: {post}\n\nTL;DR:", "post"};
}

/// A prompt as text: what may be shortened, and what stands around it.
struct prompt_source {
    std::string before, cut{}, after{};
    bool brings_special_tokens = false;  // a conversation's template writes its own

    std::string text() const { return before + cut + after; }
    /// Shortens `cut` by its last line, else its last word; false where nothing is left of it.
    bool shorten() {
        if (cut.empty()) return false;
        auto at = cut.rfind('\n');
        if (at == std::string::npos) at = cut.rfind(' ');
        cut.resize(at == std::string::npos ? 0 : at);
        return true;
    }
};

/// The names of a record's columns, for a sentence.
inline std::string columns_of(nlohmann::json const& record) {
    std::string names;
    for (auto const& [name, value] : record.items()) names += (names.empty() ? "its columns are " : ", ") + name;
    return names.empty() ? "it has no columns" : names;
}

/// A record's prompt in a format. Throws std::invalid_argument naming a field that is missing or no text, with the
/// columns that are there, and a format whose braces are not closed or that has no field `cut`.
inline prompt_source query_of(nlohmann::json const& record, query_format const& format) {
    auto const text_of = [&](std::string_view field) {
        auto const* value = &record;
        for (auto rest = field;;) {
            auto const dot = std::min(rest.find('.'), rest.size());
            auto const found = value->is_object() ? value->find(rest.substr(0, dot)) : value->end();
            if (found == value->end())
                throw std::invalid_argument(fmt::format("it has no column \"{}\"; {}", field, columns_of(record)));
            value = &*found;
            if (dot == rest.size()) break;
            rest.remove_prefix(dot + 1);
        }
        if (!value->is_string()) throw std::invalid_argument(fmt::format("its column \"{}\" is no text", field));
        return value->get<std::string>();
    };
    prompt_source source;
    bool cut = false;
    for (std::string_view rest = format.text; !rest.empty();) {
        auto const open = std::min(rest.find('{'), rest.size());
        (cut ? source.after : source.before) += rest.substr(0, open);
        rest.remove_prefix(open);
        if (rest.empty()) break;
        auto const close = rest.find('}');
        if (close == std::string_view::npos)
            throw std::invalid_argument("the prompt's format opens a brace and does not close it: " + format.text);
        auto const field = rest.substr(1, close - 1);
        rest.remove_prefix(close + 1);
        if (field == format.cut && !cut) source.cut = text_of(field), cut = true;
        else (cut ? source.after : source.before) += text_of(field);
    }
    if (!cut && !format.cut.empty())
        throw std::invalid_argument(fmt::format("the prompt's format has no field {{{}}} to cut", format.cut));
    return source;
}

}  // namespace proximal::text
