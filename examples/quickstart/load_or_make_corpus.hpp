// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <proximal/io/atomic_file.hpp>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "corpus.hpp"
#include "debian_corpus.hpp"
#include "generated_corpus.hpp"

namespace proximal::quickstart {

/// The parts of a corpus by the names of their files.
inline constexpr std::array<std::pair<char const*, std::vector<example> corpus::*>, 3> corpus_parts = {
    {{"train", &corpus::train}, {"validation", &corpus::validation}, {"test", &corpus::test}}};

/// Writes train.jsonl, validation.jsonl, test.jsonl ({"prompt", "completion", "source"} a line) and, last, origin.txt.
inline void save_corpus(corpus const& c, std::filesystem::path const& folder) {
    std::filesystem::create_directories(folder);
    for (auto const& [name, part] : corpus_parts) {
        std::string lines;
        for (auto const& e : c.*part)
            lines +=
                nlohmann::json{{"prompt", e.prompt}, {"completion", e.completion}, {"source", e.source}}.dump() + "\n";
        io::write_file(folder / (std::string(name) + ".jsonl"), lines);
    }
    io::write_file(folder / "origin.txt", c.origin + "\n");
}

/// Throws std::runtime_error, naming the folder, where a part is missing or broken.
inline corpus load_corpus(std::filesystem::path const& folder) {
    corpus c;
    try {
        std::getline(std::ifstream(folder / "origin.txt"), c.origin);
        for (auto const& [name, part] : corpus_parts) {
            std::ifstream in(folder / (std::string(name) + ".jsonl"));
            for (std::string line; std::getline(in, line);) {
                auto const j = nlohmann::json::parse(line);
                (c.*part).push_back({j.at("prompt"), j.at("completion"), j.at("source")});
            }
            if ((c.*part).empty()) throw std::runtime_error(std::string(name) + ".jsonl holds nothing");
        }
    } catch (std::exception const& error) {
        throw std::runtime_error(fmt::format("the corpus in {} is broken ({}); delete that folder to have it made anew",
                                             folder.string(), error.what()));
    }
    return c;
}

/// The corpus kept below `cache`; where none is, this machine's Debian index or, failing that, the generated one, kept
/// for the next time. The origin says which, and why.
inline corpus load_or_make_corpus(std::filesystem::path const& cache) {
    auto const folder = cache / "corpus";
    if (std::filesystem::exists(folder / "origin.txt")) return load_corpus(folder);
    std::filesystem::create_directories(cache);
    corpus made;
    try {
        made = debian_corpus(cache);
    } catch (std::runtime_error const& reason) {
        made = generated_corpus(0);
        made.origin += fmt::format(" [{}]", reason.what());
    }
    save_corpus(made, folder);
    return made;
}

}  // namespace proximal::quickstart
