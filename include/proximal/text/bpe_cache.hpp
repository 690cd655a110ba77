// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace proximal::text {

/// A hash by text that finds a std::string's entry by a std::string_view.
struct text_hash : std::hash<std::string_view> {
    /// Lets a map be searched without making a std::string.
    using is_transparent = void;
};
/// A map by text that a std::string_view searches.
template <class Value>
using text_map = std::unordered_map<std::string, Value, text_hash, std::equal_to<>>;

/// Remembers how short pieces were cut: text repeats itself. Safe to use from several threads.
class bpe_cache {
   public:
    /// Appends the remembered ids of a piece to `out`; false if there are none.
    bool append(std::string_view piece, std::vector<std::int64_t>& out) const {
        std::lock_guard const lock(mutex_);
        auto const found = ids_.find(piece);
        if (found == ids_.end()) return false;
        out.insert(out.end(), found->second.begin(), found->second.end());
        return true;
    }
    /// Keeps a piece's ids, unless it is long or the cache is full.
    void remember(std::string_view piece, std::vector<std::int64_t> ids) {
        if (piece.size() > longest) return;
        std::lock_guard const lock(mutex_);
        if (ids_.size() < capacity) ids_.emplace(piece, std::move(ids));
    }

   private:
    static constexpr std::size_t capacity = 1 << 16, longest = 256;
    mutable std::mutex mutex_;
    text_map<std::vector<std::int64_t>> ids_;
};

}  // namespace proximal::text
