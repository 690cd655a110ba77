// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "corpus.hpp"
#include "words.hpp"

namespace proximal::quickstart {

/// A known gold reward for one-line summaries: well spelt, informative, unrepeated.
///
///     min(distinct known content words, 6) − unknown words − repeats of content words − [no words]
///
/// A content word has more than 3 letters; a word is known that the training summaries use at least 5 times.
/// Such a rule stands in for people, as in Gao et al., Scaling Laws for Reward Model Overoptimization (2022),
/// arXiv 2210.10760: labels come from it, a reward model learns the labels, PPO follows the model, the rule judges.
class synopsis_rule {
   public:
    explicit synopsis_rule(std::vector<example> const& train, int least_uses = 5) {
        std::unordered_map<std::string, int> uses;
        for (auto const& e : train)
            for (auto& word : words(e.completion)) ++uses[std::move(word)];
        for (auto const& [word, count] : uses)
            if (count >= least_uses) known_.insert(word);
    }
    explicit synopsis_rule(corpus const& c) : synopsis_rule(c.train) {}

    double operator()(std::string const& text) const {
        auto const all = words(text);
        int good = 0, unknown = 0, repeats = 0;
        std::set<std::string> seen;
        for (auto const& word : all) {
            bool const known = known_.contains(word);
            unknown += !known;
            if (word.size() <= 3) continue;
            bool const fresh = seen.insert(word).second;
            repeats += !fresh;
            good += fresh && known;
        }
        return std::min(good, 6) - unknown - repeats - (all.empty() ? 1 : 0);
    }

    std::set<std::string> const& known() const { return known_; }

   private:
    std::set<std::string> known_;
};

}  // namespace proximal::quickstart
