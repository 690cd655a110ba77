// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <proximal/io/atomic_file.hpp>
#include <proximal/io/process.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "corpus.hpp"
#include "package_examples.hpp"

namespace proximal::quickstart {

/// Lets apt-get fetch the package index, English descriptions and all, into folders below `cache`. The machine's own
/// lists, caches and hooks stay out of it, and no right is needed but to write there.
inline std::filesystem::path fetch_package_index(std::filesystem::path const& cache) {
    auto const apt_get = io::find_program("apt-get");
    if (!apt_get)
        throw std::runtime_error(
            "there is no apt-get here, so no package index to learn from; take the generated corpus");
    auto const root = std::filesystem::absolute(cache), lists = root / "apt-lists";
    for (auto const* const folder : {"apt-lists/partial", "apt-cache/archives/partial"})
        std::filesystem::create_directories(root / folder);
    auto const quoted = [](std::filesystem::path const& path) { return fmt::format("\"{}\"", path.string()); };
    if (root.string().find('"') != std::string::npos)
        throw std::runtime_error(
            fmt::format("{} has a quotation mark in its name; choose another folder", root.string()));
    auto const settings = root / "apt.conf";
    io::write_file(settings,
                   fmt::format("#clear APT::Update::Pre-Invoke;\n#clear APT::Update::Post-Invoke;\n"
                               "#clear APT::Update::Post-Invoke-Success;\n#clear Acquire::Languages;\n"
                               "Acquire::Languages \"en\";\nAcquire::GzipIndexes \"false\";\nAcquire::Retries \"2\";\n"
                               "APT::Sandbox::User \"root\";\nDir::State::lists {};\nDir::Cache {};\n",
                               quoted(lists), quoted(root / "apt-cache")));
    auto const result = io::run_program(*apt_get, {"-qq", "--config-file", settings.string(), "update"});
    if (result.status != 0)
        throw std::runtime_error(fmt::format(
            "apt-get could not fetch the package index (status {}); check the network, or take the generated corpus",
            result.status));
    return lists;
}

/// The files of a folder whose name ends so, in the order of their names.
inline std::vector<std::string> files_ending(std::filesystem::path const& folder, std::string_view ending) {
    std::vector<std::filesystem::path> paths;
    for (auto const& entry : std::filesystem::directory_iterator(folder))
        if (entry.path().filename().string().ends_with(ending)) paths.push_back(entry.path());
    std::sort(paths.begin(), paths.end());
    std::vector<std::string> texts;
    for (auto const& path : paths) {
        std::ifstream in(path, std::ios::binary);
        texts.push_back(text::utf8::lossy(std::string(std::istreambuf_iterator<char>(in), {})));
    }
    return texts;
}

/// Real text that every Debian machine can fetch: long package descriptions and their one-line summaries.
/// Throws std::runtime_error where there is no such index, as offline or on another system.
inline corpus debian_corpus(std::filesystem::path const& cache) {
    auto const lists = fetch_package_index(cache);
    auto examples = package_examples(files_ending(lists, "_Packages"), files_ending(lists, "_Translation-en"));
    std::filesystem::remove_all(lists);  // 85 MB that are of no more use
    if (examples.size() < 1000)
        throw std::runtime_error(fmt::format(
            "the package index of this machine gave only {} examples; take the generated corpus", examples.size()));
    auto origin = fmt::format(
        "{} package descriptions of this machine's Debian index, each with its real one-line summary", examples.size());
    return split_by_source(std::move(examples), std::move(origin));
}

}  // namespace proximal::quickstart
