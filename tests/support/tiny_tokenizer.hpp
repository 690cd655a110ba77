// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <proximal/text/byte_level.hpp>
#include <proximal/text/utf8.hpp>
#include <sstream>
#include <string>
#include <vector>

namespace support {

/// A tokenizer.json by hand: ids 0 to 255 are the bytes, 256 on the merges in order, then the added tokens.
inline nlohmann::json tiny_tokenizer(std::vector<std::string> const& merges = {"h e", "l l", "he ll", "Ġ w", "o o"}) {
    using nlohmann::json;
    json vocab = json::object();
    for (auto const c : proximal::text::byte_level::characters) {
        std::string token;
        proximal::text::utf8::append(token, c);
        auto const id = vocab.size();
        vocab[token] = id;
    }
    for (auto const& merge : merges) {
        auto const space = merge.find(' ');
        auto const id = vocab.size();
        vocab[merge.substr(0, space) + merge.substr(space + 1)] = id;
    }
    json const byte_level = {
        {"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", true}};
    auto const eos = vocab.size();
    return {{"version", "1.0"},
            {"a key of a later version", 7},
            {"normalizer", nullptr},
            {"pre_tokenizer", byte_level},
            {"post_processor", byte_level},
            {"decoder", byte_level},
            {"added_tokens",
             {{{"id", eos},
               {"content", "<eos>"},
               {"single_word", false},
               {"lstrip", false},
               {"rstrip", false},
               {"normalized", false},
               {"special", true}}}},
            {"model",
             {{"type", "BPE"}, {"dropout", nullptr}, {"unk_token", nullptr}, {"vocab", vocab}, {"merges", merges}}}};
}

inline void write_json(std::filesystem::path const& path, nlohmann::json const& content) {
    std::ofstream(path) << content.dump();
}
inline std::string read_text(std::filesystem::path const& path) {
    return (std::ostringstream() << std::ifstream(path, std::ios::binary).rdbuf()).str();
}

}  // namespace support
