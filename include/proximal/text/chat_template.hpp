// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <utf8proc.h>
#include <nlohmann/json.hpp>
#include <proximal/text/utf8.hpp>
#include <stdexcept>
#include <string>
#include <string_view>

namespace proximal::text {

/// TRL's SIMPLE_CHAT_TEMPLATE, which its PPO example gives to a tokenizer without a template of its own.
inline constexpr std::string_view simple_chat_template =
    "{% for message in messages %}{{message['role'].capitalize() + ': ' + message['content'] + '\n\n'}}{% endfor %}"
    "{% if add_generation_prompt %}{{ 'Assistant:' }}{% endif %}";

/// A conversation up to what is to be answered: without the assistant's turns at its end, which training data bring.
/// Throws std::invalid_argument where nothing is left.
inline nlohmann::json without_answer(nlohmann::json messages) {
    auto const is_answer = [](nlohmann::json const& m) {
        return m.is_object() && m.contains("role") && m["role"] == "assistant";
    };
    while (messages.is_array() && !messages.empty() && is_answer(messages.back())) messages.erase(messages.size() - 1);
    if (messages.is_array() && messages.empty()) throw std::invalid_argument("it holds no message to answer");
    return messages;
}

/// A conversation [{"role": ..., "content": ...}, ...] as that template writes it before the assistant's turn:
/// `User: content`, a blank line, ..., `Assistant:`.
/// Throws std::invalid_argument for what is no such list.
inline std::string simple_chat(nlohmann::json const& messages) {
    auto const is_text = [](nlohmann::json const& m, char const* key) { return m.contains(key) && m[key].is_string(); };
    if (!messages.is_array())
        throw std::invalid_argument("messages must be a list of {\"role\": ..., \"content\": ...}");
    std::string text;
    for (auto const& message : messages) {
        if (!message.is_object() || !is_text(message, "role") || !is_text(message, "content"))
            throw std::invalid_argument("each message must hold the texts \"role\" and \"content\"");
        auto const& role = message["role"].get_ref<std::string const&>();
        for (std::size_t at = 0; at < role.size();) {
            auto const [value, size] = utf8::character_at(role, at);
            auto const c = static_cast<utf8proc_int32_t>(value);
            utf8::append(text, static_cast<char32_t>(at == 0 ? ::utf8proc_totitle(c) : ::utf8proc_tolower(c)));
            at += size;
        }
        text += ": " + message["content"].get<std::string>() + "\n\n";
    }
    return text + "Assistant:";
}

}  // namespace proximal::text
