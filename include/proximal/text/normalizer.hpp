// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>
#include <utf8proc.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <proximal/io/json_file.hpp>
#include <proximal/text/character_class.hpp>
#include <proximal/text/pre_tokenizer.hpp>
#include <proximal/text/utf8.hpp>
#include <proximal/text/younger_characters.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace proximal::text {

/// Rewrites a text before it is cut.
using normalizer = std::function<std::string(std::string)>;

/// Appends a stretch of text in one of Unicode's normal forms.
inline void append_form(std::string& out, std::string_view text, int options) {
    utf8proc_uint8_t* form = nullptr;
    auto const size = ::utf8proc_map(reinterpret_cast<utf8proc_uint8_t const*>(text.data()),
                                     static_cast<utf8proc_ssize_t>(text.size()), &form,
                                     static_cast<utf8proc_option_t>(options | UTF8PROC_STABLE));
    std::unique_ptr<utf8proc_uint8_t, void (*)(void*)> const owner(form, std::free);
    if (size < 0) throw std::runtime_error(fmt::format("the text cannot be normalised: {}", ::utf8proc_errmsg(size)));
    out.append(reinterpret_cast<char const*>(form), static_cast<std::size_t>(size));
}

/// One of Unicode's normal forms, by utf8proc's options, as Hugging Face's tables know it (see younger_characters).
inline normalizer unicode_form(int options) {
    return [options](std::string text) {
        if (std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; }))
            return text;
        std::string out;
        std::size_t begin = 0;
        for (std::size_t at = 0; at < text.size();) {
            auto const [value, size] = utf8::character_at(text, at);
            if (younger_characters::holds(younger_characters::in_normal_forms, value)) {
                append_form(out, std::string_view(text).substr(begin, at - begin), options);
                out.append(text, at, size);
                begin = at + size;
            }
            at += size;
        }
        append_form(out, std::string_view(text).substr(begin), options);
        return out;
    };
}

/// Every character in lower case, by Unicode's simple mapping.
inline std::string lowercase(std::string const& text) {
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
        auto const [value, size] = utf8::character_at(text, at);
        if (value == 0x130) out += "i\xCC\x87";  // the one character whose lower case is two
        else utf8::append(out, static_cast<char32_t>(::utf8proc_tolower(static_cast<utf8proc_int32_t>(value))));
        at += size;
    }
    return out;
}

/// The text less the white space at the sides asked for.
inline std::string_view stripped(std::string_view text, bool left, bool right) {
    while (left && !text.empty() && character_class::is_whitespace(utf8::character_at(text, 0).value))
        text.remove_prefix(utf8::character_at(text, 0).size);
    while (right && !text.empty() && character_class::is_whitespace(utf8::character_before(text, text.size()).value))
        text.remove_suffix(utf8::character_before(text, text.size()).size);
    return text;
}

/// The `normalizer` of a tokenizer.json. Throws std::invalid_argument, by name, for a kind that is not one of NFC, NFD,
/// NFKC, NFKD, Lowercase, Prepend, Replace, Strip, Sequence.
inline normalizer make_normalizer(nlohmann::json const& settings) {
    if (settings.is_null()) return [](std::string text) { return text; };
    auto const type = settings.at("type").get<std::string>();
    if (type == "NFC") return unicode_form(UTF8PROC_COMPOSE);
    if (type == "NFD") return unicode_form(UTF8PROC_DECOMPOSE);
    if (type == "NFKC") return unicode_form(UTF8PROC_COMPOSE | UTF8PROC_COMPAT);
    if (type == "NFKD") return unicode_form(UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT);
    if (type == "Lowercase") return [](std::string const& text) { return lowercase(text); };
    if (type == "Strip") {
        bool const left = io::value_or(settings, "strip_left", true),
                   right = io::value_or(settings, "strip_right", true);
        return [=](std::string const& text) { return std::string(stripped(text, left, right)); };
    }
    if (type == "Prepend") {
        auto const prefix = settings.at("prepend").get<std::string>();
        return [=](std::string const& text) { return text.empty() ? text : prefix + text; };
    }
    if (type == "Replace") {
        auto const stretches_of = stretches_by(pattern_of(settings.at("pattern")));
        auto const content = settings.at("content").get<std::string>();
        return [=](std::string const& text) {
            std::vector<stretch> stretches;
            stretches_of(text, stretches);
            std::string out;
            for (auto const& s : stretches) out += s.is_match ? content : text.substr(s.begin, s.end - s.begin);
            return out;
        };
    }
    if (type == "Sequence") {
        std::vector<normalizer> steps;
        for (auto const& step : settings.at("normalizers")) steps.push_back(make_normalizer(step));
        return [steps](std::string text) {
            for (auto const& step : steps) text = step(std::move(text));
            return text;
        };
    }
    throw std::invalid_argument(
        fmt::format("the normalizer '{}' is not supported (NFC, NFD, NFKC, NFKD, Lowercase, Prepend, Replace, Strip "
                    "and Sequence are)",
                    type));
}

}  // namespace proximal::text
