// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <proximal/lm/train/answer.hpp>
#include <proximal/run/completions_table.hpp>
#include <proximal/run/progress_bar.hpp>
#include <string>
#include <vector>

namespace proximal::lm {

/// The end of a text, at most `bytes` long, cut between characters.
inline std::string ending(std::string const& text, std::size_t bytes) {
    if (text.size() <= bytes) return text;
    auto from = text.size() - bytes;
    while (from < text.size() && (static_cast<unsigned char>(text[from]) & 0xC0) == 0x80) ++from;
    return "…" + text.substr(from);
}

/// The mean score of samples; NaN where one has none.
inline double mean_score(std::vector<sample> const& samples) {
    double total = 0.0;
    for (auto const& sample : samples) total += sample.score;
    return total / static_cast<double>(samples.size());
}

/// What a policy answered to the same prompts before and after it was trained: a table of the first few, and the means.
inline std::string compare_samples(std::vector<sample> const& before, std::vector<sample> const& after) {
    run::completions_table table{{"prompt (held out)", "before", "score", "after", "score"}, {}};
    for (std::size_t i = 0; i < std::min<std::size_t>(5, after.size()); ++i)
        table.rows.push_back({ending(before[i].query, 240), before[i].response, fmt::format("{:.2f}", before[i].score),
                              after[i].response, fmt::format("{:.2f}", after[i].score)});
    return fmt::format("{}mean score of {} held-out prompts: {:.3f} before, {:.3f} after\n",
                       run::draw(table, run::terminal_width(stdout)), after.size(), mean_score(before),
                       mean_score(after));
}

}  // namespace proximal::lm
