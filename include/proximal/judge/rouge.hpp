// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace proximal::judge {

/// How much two texts share: of the candidate's, of the target's, and both as their harmonic mean. 0 to 1.
struct rouge_score {
    double precision = 0.0, recall = 0.0, f1 = 0.0;

    bool operator==(rouge_score const&) const = default;
};

/// A text's words as ROUGE counts them: runs of ASCII letters and digits, in lower case. All else parts words, an
/// accented letter too. No stemming.
///
/// Source: the default tokenizer of PyPI's rouge-score. It also lowers the Kelvin sign and the dotted capital I to
/// ASCII letters; here they part words as other foreign letters do.
inline std::vector<std::string> rouge_words(std::string_view text) {
    std::vector<std::string> words;
    bool inside = false;
    for (char c : text) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
        bool const is_of_word = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (is_of_word && !inside) words.emplace_back();
        if (is_of_word) words.back() += c;
        inside = is_of_word;
    }
    return words;
}

namespace detail {
inline rouge_score rouge_of(std::int64_t shared, std::int64_t candidate, std::int64_t target) {
    if (shared == 0) return {};
    auto const part = [&](std::int64_t of) { return static_cast<double>(shared) / static_cast<double>(of); };
    double const precision = part(candidate), recall = part(target);
    return {precision, recall, 2.0 * precision * recall / (precision + recall)};
}
}  // namespace detail

/// ROUGE-N: runs of n words that candidate and target share, each as often as in the one that has it less.
/// Source: Lin (2004), ROUGE: A Package for Automatic Evaluation of Summaries. `n` is at least 1.
inline rouge_score rouge_n(std::string_view candidate, std::string_view target, std::int64_t n) {
    using run_of_words = std::vector<std::string>;
    auto const count = [n](std::string_view text) {
        auto const words = rouge_words(text);
        std::map<run_of_words, std::int64_t> counts;
        for (auto i = std::ptrdiff_t{0}; i + n <= static_cast<std::ptrdiff_t>(words.size()); ++i)
            ++counts[run_of_words(words.begin() + i, words.begin() + i + n)];
        return counts;
    };
    auto const theirs = count(candidate), wanted = count(target);
    std::int64_t shared = 0, of_candidate = 0, of_target = 0;
    for (auto const& [run, times] : theirs) {
        of_candidate += times;
        if (auto const found = wanted.find(run); found != wanted.end()) shared += std::min(times, found->second);
    }
    for (auto const& [run, times] : wanted) of_target += times;
    return detail::rouge_of(shared, of_candidate, of_target);
}

/// ROUGE-L: the longest run of words that stand in both texts in one order, with gaps. The texts are taken whole, not
/// sentence by sentence. Source: Lin (2004).
inline rouge_score rouge_l(std::string_view candidate, std::string_view target) {
    auto const theirs = rouge_words(candidate), wanted = rouge_words(target);
    std::vector<std::int64_t> before(wanted.size() + 1, 0), now = before;
    for (auto const& word : theirs) {
        for (std::size_t j = 0; j < wanted.size(); ++j)
            now[j + 1] = word == wanted[j] ? before[j] + 1 : std::max(before[j + 1], now[j]);
        std::swap(before, now);
    }
    return detail::rouge_of(before.back(), static_cast<std::int64_t>(theirs.size()),
                            static_cast<std::int64_t>(wanted.size()));
}

}  // namespace proximal::judge
