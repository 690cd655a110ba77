// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace proximal::text {

/// A text cut into the pieces that the model sees one by one.
struct pre_tokens {
    /// A part of the text: [begin, end), in bytes.
    struct piece {
        std::size_t begin, end;
    };
    std::string text;
    std::vector<piece> pieces;

    explicit pre_tokens(std::string whole) : text(std::move(whole)) {
        if (!text.empty()) pieces.push_back({0, text.size()});
    }
    std::string_view view(piece const& p) const { return std::string_view(text).substr(p.begin, p.end - p.begin); }
};

/// A stretch of a piece: what a pattern found (`is_match`), or what lies between two finds.
struct stretch {
    std::size_t begin, end;
    bool is_match;
};

/// What becomes of the finds when a piece is cut by a pattern; for `-` in `the-final--countdown`:
/// removed `the final countdown`, isolated `the - final - - countdown`, merged_with_previous `the- final- - countdown`,
/// merged_with_next `the -final - -countdown`, contiguous `the - final -- countdown`.
enum class split_behavior { removed, isolated, merged_with_previous, merged_with_next, contiguous };

/// The stretches as the behaviour joins them. Source: NormalizedString::split of Hugging Face's tokenizers.
inline std::vector<stretch> joined(std::vector<stretch> const& stretches, split_behavior behavior) {
    if (behavior == split_behavior::removed || behavior == split_behavior::isolated) return stretches;
    std::vector<stretch> out;
    bool previous = false;
    auto const fold = [&](stretch const& next) {
        bool const join =
            behavior == split_behavior::contiguous ? next.is_match == previous : next.is_match && !previous;
        previous = next.is_match;
        if (!join || out.empty()) {
            out.push_back(next);
        } else if (behavior == split_behavior::merged_with_next) {
            out.back().begin = next.begin;
        } else {
            out.back().end = next.end;
        }
    };
    if (behavior == split_behavior::merged_with_next) {
        for (auto i = stretches.size(); i-- > 0;) fold(stretches[i]);
        return {out.rbegin(), out.rend()};
    }
    for (auto const& next : stretches) fold(next);
    return out;
}

/// Cuts every piece: `stretches_of(view, out)` lists the stretches that cover a piece, in order.
template <class StretchesOf>
void split(pre_tokens& tokens, split_behavior behavior, StretchesOf const& stretches_of) {
    std::vector<pre_tokens::piece> pieces;
    std::vector<stretch> stretches;
    for (auto const& piece : tokens.pieces) {
        stretches.clear();
        stretches_of(tokens.view(piece), stretches);
        auto const keep = [&](stretch const& s) {
            bool const dropped = behavior == split_behavior::removed && s.is_match;
            if (!dropped && s.begin < s.end) pieces.push_back({piece.begin + s.begin, piece.begin + s.end});
        };
        if (behavior == split_behavior::isolated || behavior == split_behavior::removed) {
            for (auto const& s : stretches) keep(s);
        } else {
            for (auto const& s : joined(stretches, behavior)) keep(s);
        }
    }
    tokens.pieces = std::move(pieces);
}

}  // namespace proximal::text
