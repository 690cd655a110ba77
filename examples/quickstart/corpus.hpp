// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace proximal::quickstart {

/// A text to summarise, `PACKAGE: ...\nDESCRIPTION: ...\nTL;DR:`, and its real one-line summary, led by a space.
struct example {
    std::string prompt, completion, source;  // what comes of the same source never straddles two parts
};

struct corpus {
    std::vector<example> train, validation, test;
    std::string origin;  // one line for the screen
};

/// FNV-1a: a number of a text that is the same on every machine.
constexpr std::uint64_t fingerprint(std::string_view text) {
    std::uint64_t hash = 0xCBF29CE484222325u;
    for (char const c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3u;
    return hash ^ hash >> 29;
}

/// Parts of about 92, 4 and 4 per cent, by the fingerprint of the source, each in the order of its prompts'
/// fingerprints: a function of the examples alone.
inline corpus split_by_source(std::vector<example> examples, std::string origin) {
    auto const key = [](example const& e) { return std::pair(fingerprint(e.prompt), std::string_view(e.prompt)); };
    std::sort(examples.begin(), examples.end(), [&](auto const& a, auto const& b) { return key(a) < key(b); });
    corpus parts{{}, {}, {}, std::move(origin)};
    for (auto& e : examples) {
        auto const percent = fingerprint(e.source) % 100;
        (percent < 4 ? parts.test : percent < 8 ? parts.validation : parts.train).push_back(std::move(e));
    }
    return parts;
}

inline std::string prompt_of(std::string_view name, std::string_view description) {
    return "PACKAGE: " + std::string(name) + "\nDESCRIPTION: " + std::string(description) + "\nTL;DR:";
}

}  // namespace proximal::quickstart
