// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "words.hpp"

namespace proximal::quickstart {

/// A paragraph of a Debian control file: its fields, continuation lines joined by newlines.
using stanza = std::map<std::string, std::string, std::less<>>;

/// Calls on_stanza for every stanza of a Packages or Translation file that names a package; of the rest only the wanted
/// fields are kept.
template <class OnStanza>
void for_each_stanza(std::string_view text, std::vector<std::string_view> const& wanted, OnStanza&& on_stanza) {
    stanza current;
    std::string* value = nullptr;
    auto const finish = [&] {
        if (current.contains("Package")) on_stanza(current);
        current.clear();
        value = nullptr;
    };
    while (!text.empty()) {
        auto const end = std::min(text.find('\n'), text.size());
        auto const line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (line.empty()) {
            finish();
        } else if (line[0] == ' ' || line[0] == '\t') {
            if (value != nullptr) *value += "\n", *value += line.substr(1);
        } else if (auto const colon = line.find(':'); colon != std::string_view::npos) {
            auto const key = line.substr(0, colon);
            value = std::find(wanted.begin(), wanted.end(), key) == wanted.end() ? nullptr : &current[std::string(key)];
            if (value != nullptr) *value = std::string(text::stripped(line.substr(colon + 1), true, true));
        }
    }
    finish();
}

/// A long description's text as paragraphs, which a lone dot divides, joined by spaces.
inline std::string joined_paragraphs(std::string_view description) {
    std::string out;
    while (!description.empty()) {
        auto const end = std::min(description.find('\n'), description.size());
        auto const line = one_spaced(description.substr(0, end));
        description.remove_prefix(std::min(end + 1, description.size()));
        if (line.empty() || line == ".") continue;
        if (!out.empty()) out += ' ';
        out += line;
    }
    return out;
}

/// At most `most` characters: whole sentences if a third can be filled so, else whole words.
inline std::string shortened(std::string const& text, std::size_t most) {
    if (characters(text) <= most) return text;
    std::size_t at = 0, bytes_of_third = 0;
    for (std::size_t n = 0; n <= most; ++n) {
        if (n == most / 3) bytes_of_third = at;
        at += text::utf8::character_at(text, at).size;
    }
    auto const cut = std::string_view(text).substr(0, at);
    std::size_t sentences = 0;
    for (std::size_t i = 0; i + 1 < cut.size(); ++i)
        if (std::string_view(".;!?").find(cut[i]) != std::string_view::npos &&
            text::character_class::is_whitespace(text::utf8::character_at(cut, i + 1).value))
            sentences = i + 1;
    if (sentences > 0 && sentences >= bytes_of_third)
        return std::string(text::stripped(cut.substr(0, sentences), true, true));
    return std::string(text::stripped(cut.substr(0, std::min(cut.rfind(' '), cut.size() - 1)), true, true));
}

}  // namespace proximal::quickstart
