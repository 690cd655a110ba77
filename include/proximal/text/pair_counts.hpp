// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <queue>
#include <unordered_map>
#include <utility>
#include <vector>

namespace proximal::text {

/// The words of a corpus as symbols, and how often each pair of neighbours occurs; kept up to date as pairs are joined.
class pair_counts {
   public:
    using symbol = std::uint32_t;
    using pair = std::pair<symbol, symbol>;

    /// Adds a distinct word and its number of occurrences.
    void add_word(std::vector<symbol> symbols, std::int64_t count) {
        auto const word = static_cast<std::uint32_t>(words_.size());
        for (std::size_t i = 1; i < symbols.size(); ++i) change({symbols[i - 1], symbols[i]}, count, word);
        words_.push_back({std::move(symbols), count});
    }

    /// The most frequent pair, of equals the one of the smaller symbols; none when no pair occurs at least `least`
    /// times.
    std::optional<pair> most_frequent(std::int64_t least) {
        for (auto const& key : changed_) offer(key);
        changed_.clear();
        while (!queue_.empty()) {
            auto const [count, key] = queue_.top();
            auto const now = entries_.at(key).count;
            if (now == count) return count >= least ? std::optional(unpacked(key)) : std::nullopt;
            queue_.pop();  // fell since it was offered; a rise was offered anew
            if (now < count && now > 0) queue_.push({now, key});
        }
        return std::nullopt;
    }

    /// Writes `joined` for every occurrence of the pair, left to right.
    void join(pair both, symbol joined) {
        auto in_words = std::move(entries_.at(packed(both)).words);
        std::sort(in_words.begin(), in_words.end());
        in_words.erase(std::unique(in_words.begin(), in_words.end()), in_words.end());
        for (auto const index : in_words) {
            auto& [symbols, count] = words_[index];
            std::size_t out = 0;
            for (std::size_t i = 0; i < symbols.size(); ++i, ++out) {
                if (symbols[i] != both.first || i + 1 == symbols.size() || symbols[i + 1] != both.second) {
                    symbols[out] = symbols[i];
                    continue;
                }
                if (out > 0) {
                    change({symbols[out - 1], both.first}, -count, index);
                    change({symbols[out - 1], joined}, count, index);
                }
                if (i + 2 < symbols.size()) {
                    change({both.second, symbols[i + 2]}, -count, index);
                    change({joined, symbols[i + 2]}, count, index);
                }
                symbols[out] = joined;
                ++i;
            }
            symbols.resize(out);
        }
        entries_.erase(packed(both));
        entries_[packed(both)] = {};
    }

   private:
    struct word {
        std::vector<symbol> symbols;
        std::int64_t count;
    };
    struct entry {
        std::int64_t count = 0;
        std::vector<std::uint32_t> words;  // where the pair was seen: some may have lost it, some are listed twice
        bool is_changed = false;
    };
    struct offered {
        std::int64_t count;
        std::uint64_t key;
        bool operator<(offered const& other) const {
            return count != other.count ? count < other.count : key > other.key;
        }
    };
    static std::uint64_t packed(pair p) { return static_cast<std::uint64_t>(p.first) << 32 | p.second; }
    static pair unpacked(std::uint64_t key) { return {static_cast<symbol>(key >> 32), static_cast<symbol>(key)}; }

    void change(pair p, std::int64_t by, std::uint32_t word) {
        auto& e = entries_[packed(p)];
        e.count += by;
        if (by < 0) return;
        if (e.words.empty() || e.words.back() != word) e.words.push_back(word);
        if (!std::exchange(e.is_changed, true)) changed_.push_back(packed(p));
    }
    void offer(std::uint64_t key) {
        auto& e = entries_.at(key);
        e.is_changed = false;
        if (e.count > 0) queue_.push({e.count, key});
    }

    std::vector<word> words_;
    std::unordered_map<std::uint64_t, entry> entries_;
    std::vector<std::uint64_t> changed_;
    std::priority_queue<offered> queue_;
};

}  // namespace proximal::text
