// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "corpus.hpp"

namespace proximal::quickstart {

/// Descriptions and summaries made by rule, for machines without a package index: the same form, none of the richness.
/// A function of the seed alone.
inline corpus generated_corpus(std::uint64_t seed) {
    struct kind {
        char const *noun, *does;
    };
    static constexpr std::array<kind, 16> kinds = {{{"viewer", "shows"},
                                                    {"editor", "changes"},
                                                    {"converter", "converts"},
                                                    {"library", "handles"},
                                                    {"server", "serves"},
                                                    {"client", "fetches"},
                                                    {"browser", "lists"},
                                                    {"analyzer", "examines"},
                                                    {"generator", "makes"},
                                                    {"manager", "organizes"},
                                                    {"monitor", "watches"},
                                                    {"parser", "reads"},
                                                    {"indexer", "searches"},
                                                    {"scheduler", "plans"},
                                                    {"validator", "checks"},
                                                    {"player", "plays"}}};
    static constexpr std::array subjects = {
        "image files",   "audio tracks",      "network traffic",  "mail folders",    "source code",
        "log files",     "disk usage",        "calendar entries", "geographic maps", "chess games",
        "music scores",  "protein sequences", "database tables",  "web pages",       "fonts",
        "backups",       "spreadsheets",      "star catalogues",  "weather reports", "serial ports",
        "video streams", "archives",          "dictionaries",     "contact lists",   "test results"};
    static constexpr std::array manners = {
        "fast",    "small",  "simple",      "graphical",   "portable",       "interactive", "parallel",   "scriptable",
        "modular", "secure", "lightweight", "distributed", "terminal based", "extensible",  "multi-user", "automatic"};
    static constexpr std::array settings = {"the command line", "the GNOME desktop",   "embedded systems",
                                            "Python programs",  "the X Window System", "large clusters",
                                            "small offices",    "class rooms",         "mobile phones",
                                            "web sites",        "laboratories",        "C++ programs"};
    static constexpr std::array features = {"It can undo every step and keeps a history of all changes.",
                                            "Results are written as plain text, JSON or XML.",
                                            "Plugins add further formats without a restart.",
                                            "Long jobs run in the background and resume after a crash.",
                                            "All settings live in one readable file.",
                                            "Several users may work on the same data at once.",
                                            "Its memory use stays low even on old machines.",
                                            "A tutorial explains each step with examples.",
                                            "Keyboard shortcuts can be redefined freely.",
                                            "Input may come from files, pipes or the network.",
                                            "Unicode text is supported throughout.",
                                            "It has been tested on data of many gigabytes."};
    static constexpr std::array beginnings = {"xy", "lib", "k", "go", "py", "open", "easy", "net", "qu", "mini"};
    static constexpr std::array endings = {"view", "cat", "flow", "mate", "box",  "kit",  "scan",
                                           "dex",  "hub", "lite", "wise", "grep", "sort", "lens"};

    std::mt19937_64 draw(seed);
    auto const one_of = [&](auto const& options) { return options[draw() % options.size()]; };
    auto const a = [](std::string const& word) {
        return (std::string("aeio").find(word[0]) == std::string::npos ? "a " : "an ") + word;
    };
    std::vector<example> examples;
    std::set<std::string> seen;
    while (examples.size() < 4000) {
        auto const [noun, does] = one_of(kinds);  // every draw a statement of its own: arguments have no order
        std::string const subject = one_of(subjects), manner = one_of(manners), where = one_of(settings);
        std::string const beginning = one_of(beginnings), ending = one_of(endings);
        std::string const first = one_of(features), second = one_of(features);
        bool const plain_summary = draw() % 2 == 0, plain_opening = draw() % 2 == 0, plain_middle = draw() % 2 == 0;

        auto const name = beginning + subject.substr(0, 3) + ending;
        auto const summary = plain_summary ? fmt::format("{} {} for {}", manner, noun, subject)
                                           : fmt::format("{} that {} {} on {}", noun, does, subject, where);
        auto const opening =
            plain_opening ? fmt::format("{} is {} {} that {} {}.", name, a(manner), noun, does, subject)
                          : fmt::format("With {} you get {} {}, which {} {}.", name, a(manner), noun, does, subject);
        auto const middle = plain_middle ? fmt::format("It is meant for {}.", where)
                                         : fmt::format("It was written with {} in mind.", where);
        auto const body = opening + " " + middle + " " + first + (second == first ? "" : " " + second);
        if (seen.insert(name + summary).second) examples.push_back({prompt_of(name, body), " " + summary, name});
    }
    return split_by_source(std::move(examples),
                           "4000 package descriptions GENERATED by rule (no package index here): good to try the "
                           "tools, not to judge them");
}

}  // namespace proximal::quickstart
