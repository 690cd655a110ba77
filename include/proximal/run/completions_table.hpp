// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <utf8proc.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace proximal::run {

/// Rows of text under headings: sampled completions, drawn in the terminal with lines, cells wrapped to the width.
struct completions_table {
    std::vector<std::string> headings;
    std::vector<std::vector<std::string>> rows;
};

/// Columns that a text takes in a terminal; control characters count as one, for they are drawn as a mark.
inline int display_width(std::string_view text) {
    int width = 0;
    auto const* at = reinterpret_cast<utf8proc_uint8_t const*>(text.data());
    auto left = static_cast<utf8proc_ssize_t>(text.size());
    while (left > 0) {
        utf8proc_int32_t c = 0;
        auto const read = std::max<utf8proc_ssize_t>(1, utf8proc_iterate(at, left, &c));
        width += c < 32 ? 1 : utf8proc_charwidth(c);
        at += read;
        left -= read;
    }
    return width;
}

/// Breaks a text into lines of at most `width` columns, at spaces where it can. Line breaks in it are kept; other
/// control characters and broken UTF-8 become a mark, so that a sample cannot disturb the terminal.
inline std::vector<std::string> wrap(std::string_view text, int width) {
    std::vector<std::string> lines(1);
    std::string word;
    int line_width = 0, word_width = 0;
    auto const flush = [&] {
        if (line_width > 0 && line_width + word_width > width) {
            lines.emplace_back();
            line_width = 0;
            if (word.starts_with(' ')) word.erase(0, 1), --word_width;
        }
        lines.back() += word;
        line_width += word_width;
        word.clear();
        word_width = 0;
    };
    auto const* at = reinterpret_cast<utf8proc_uint8_t const*>(text.data());
    auto left = static_cast<utf8proc_ssize_t>(text.size());
    while (left > 0) {
        utf8proc_int32_t c = 0;
        auto const read = utf8proc_iterate(at, left, &c);
        auto const size = std::max<utf8proc_ssize_t>(1, read);
        if (c == '\n') {
            flush();
            lines.emplace_back();
            line_width = 0;
        } else {
            bool const broken = read < 0 || c < 32 || c == 127;
            int const columns = broken ? 1 : utf8proc_charwidth(c);
            if (c == ' ' || word_width + columns > width) flush();
            word += broken ? std::string("�")
                           : std::string(reinterpret_cast<char const*>(at), static_cast<std::size_t>(size));
            word_width += columns;
        }
        at += size;
        left -= size;
    }
    flush();
    return lines;
}

/// The table as text with box lines, `width` columns wide at most. Short columns keep their width, long ones share the
/// rest.
inline std::string draw(completions_table const& table, int width) {
    std::size_t const columns = table.headings.size();
    std::vector<int> wanted(columns);
    for (std::size_t k = 0; k < columns; ++k) {
        wanted[k] = display_width(table.headings[k]);
        for (auto const& row : table.rows)
            for (auto const& line : wrap(row[k], 1 << 20)) wanted[k] = std::max(wanted[k], display_width(line));
    }
    int room = std::max<int>(width - 3 * static_cast<int>(columns) - 1, 8 * static_cast<int>(columns));
    std::vector<int> widths(columns, 0);
    std::vector<std::size_t> open(columns);
    for (std::size_t k = 0; k < columns; ++k) open[k] = k;
    std::sort(open.begin(), open.end(), [&](auto a, auto b) { return wanted[a] < wanted[b]; });
    for (std::size_t i = 0; i < columns; ++i) {  // the narrowest first: what it leaves goes to the others
        widths[open[i]] = std::min(wanted[open[i]], room / static_cast<int>(columns - i));
        room -= widths[open[i]];
    }

    std::string text;
    auto const rule = [&](std::string_view left, std::string_view middle, std::string_view right) {
        for (std::size_t k = 0; k < columns; ++k) {
            text += k == 0 ? left : middle;
            for (int i = 0; i < widths[k] + 2; ++i) text += "─";
        }
        text.append(right).append("\n");
    };
    auto const cells = [&](std::vector<std::string> const& row) {
        std::vector<std::vector<std::string>> lines;
        std::size_t height = 0;
        for (std::size_t k = 0; k < columns; ++k) {
            lines.push_back(wrap(row[k], widths[k]));
            height = std::max(height, lines.back().size());
        }
        for (std::size_t i = 0; i < height; ++i) {
            for (std::size_t k = 0; k < columns; ++k) {
                std::string const cell = i < lines[k].size() ? lines[k][i] : "";
                text += "│ " + cell +
                        std::string(static_cast<std::size_t>(std::max(0, widths[k] - display_width(cell))), ' ') + " ";
            }
            text += "│\n";
        }
    };
    rule("┌", "┬", "┐");
    cells(table.headings);
    for (auto const& row : table.rows) rule("├", "┼", "┤"), cells(row);
    rule("└", "┴", "┘");
    return text;
}

}  // namespace proximal::run
