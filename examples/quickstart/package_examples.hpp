// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "corpus.hpp"
#include "package_filters.hpp"
#include "package_index.hpp"

namespace proximal::quickstart {

/// Examples from the text of package indexes: `packages` as Packages files, `translations` as Translation-en files.
///
/// At most `per_source` of a source package, its main package first; descriptions of at most `most` characters; no two
/// with nearly the same description or summary.
inline std::vector<example> package_examples(std::vector<std::string> const& packages,
                                             std::vector<std::string> const& translations, std::size_t most = 320,
                                             std::size_t per_source = 2) {
    struct package {
        std::string source, md5;
    };
    std::map<std::string, package> known;
    for (auto const& text : packages)
        for_each_stanza(text, {"Package", "Source", "Description-md5"}, [&](stanza& s) {
            auto const& name = s["Package"];
            auto const source = s.contains("Source") ? s["Source"] : name;
            known.try_emplace(name, package{source.substr(0, source.find(' ')), s["Description-md5"]});
        });
    std::map<std::pair<std::string, std::string>, std::string> descriptions;
    for (auto const& text : translations)
        for_each_stanza(text, {"Package", "Description-md5", "Description-en"}, [&](stanza& s) {
            descriptions.try_emplace({s["Package"], s["Description-md5"]}, s["Description-en"]);
        });

    using candidate =
        std::tuple<bool, std::size_t, std::string, std::string, std::string>;  // the main package is the least
    std::map<std::string, std::set<candidate>> by_source;
    for (auto const& [name, p] : known) {
        auto const found = descriptions.find({name, p.md5});
        if (found == descriptions.end() || is_of_a_series(name)) continue;
        auto const line = found->second.find('\n');
        auto const synopsis = one_spaced(found->second.substr(0, line));
        if (says_nothing(synopsis) || line == std::string::npos) continue;
        auto const body = without_boilerplate(joined_paragraphs(std::string_view(found->second).substr(line + 1)));
        if (!is_usable(synopsis, body)) continue;
        by_source[p.source].emplace(is_sibling(name), name.size(), name, synopsis, shortened(body, most));
    }

    std::vector<example> examples;
    std::set<std::string> seen_bodies, seen_synopses;
    for (auto const& [source, candidates] : by_source) {
        std::size_t taken = 0;
        for (auto const& [sibling, length, name, synopsis, body] : candidates) {
            auto const body_letters = letters(body).substr(0, 160), synopsis_letters = letters(synopsis);
            if (taken == per_source || seen_bodies.contains(body_letters) || seen_synopses.contains(synopsis_letters))
                continue;
            seen_bodies.insert(body_letters);
            seen_synopses.insert(synopsis_letters);
            ++taken;
            examples.push_back({prompt_of(name, body), " " + synopsis, source});
        }
    }
    return examples;
}

}  // namespace proximal::quickstart
