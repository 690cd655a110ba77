// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <queue>
#include <tuple>
#include <unordered_map>
#include <vector>

namespace proximal::text {

/// What pairs of tokens join to, and which pair was learnt before which.
class merge_table {
   public:
    /// When a pair was learnt, and what it joins to.
    struct merge {
        std::uint32_t rank;  // 0 was learnt first
        std::int64_t result;
    };

    /// A pair that is listed twice keeps its later place, as in Hugging Face's tokenizers.
    void add(std::int64_t left, std::int64_t right, merge what) { merges_[key(left, right)] = what; }

    /// Joins the pair of least rank, the leftmost of equals, until none is left. O(n log n).
    std::vector<std::int64_t> joined(std::vector<std::int64_t> const& tokens) const {
        struct node {
            std::int64_t token;
            std::size_t before, after;  // end stands for "none" on both sides
            bool joined_away = false;
        };
        struct candidate {
            std::uint32_t rank;
            std::size_t place;
            std::int64_t result;
            bool operator<(candidate const& other) const {
                return std::tie(rank, place) > std::tie(other.rank, other.place);  // the queue's top is the greatest
            }
        };
        auto const end = tokens.size();
        std::vector<node> nodes;
        nodes.reserve(end);
        for (std::size_t i = 0; i < end; ++i) nodes.push_back({tokens[i], i == 0 ? end : i - 1, i + 1});
        std::priority_queue<candidate> queue;
        auto const offer = [&](std::size_t place) {
            if (place == end || nodes[place].after == end) return;
            if (auto const* const found = find(nodes[place].token, nodes[nodes[place].after].token))
                queue.push({found->rank, place, found->result});
        };
        for (std::size_t i = 0; i < end; ++i) offer(i);
        while (!queue.empty()) {
            auto const [rank, place, result] = queue.top();
            queue.pop();
            auto& left = nodes[place];
            if (left.joined_away || left.after == end) continue;
            auto& right = nodes[left.after];
            auto const* const still = find(left.token, right.token);
            if (still == nullptr || still->result != result) continue;  // a neighbour changed since
            left.token = result;
            left.after = right.after;
            right.joined_away = true;
            if (left.after != end) nodes[left.after].before = place;
            offer(left.before);
            offer(place);
        }
        std::vector<std::int64_t> out;
        for (auto const& n : nodes)
            if (!n.joined_away) out.push_back(n.token);
        return out;
    }

   private:
    static std::uint64_t key(std::int64_t left, std::int64_t right) {
        return static_cast<std::uint64_t>(left) << 32 | static_cast<std::uint64_t>(right);
    }
    struct mix {
        std::size_t operator()(std::uint64_t k) const {
            k *= 0x9E3779B97F4A7C15u;
            return static_cast<std::size_t>(k ^ k >> 32);
        }
    };
    merge const* find(std::int64_t left, std::int64_t right) const {
        auto const found = merges_.find(key(left, right));
        return found == merges_.end() ? nullptr : &found->second;
    }

    std::unordered_map<std::uint64_t, merge, mix> merges_;
};

}  // namespace proximal::text
