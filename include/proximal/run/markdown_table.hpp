// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/run/completions_table.hpp>
#include <proximal/text/utf8.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace proximal::run {

/// A text as a cell of a Markdown table shows it: what Markdown or HTML would read as more than text is escaped, a line
/// break is one, another control character is U+FFFD.
inline std::string markdown_cell(std::string_view raw) {
    std::string cell;
    for (char const c : text::utf8::lossy(raw)) {
        if (c == '\n') cell += "<br>";
        else if (c == '&') cell += "&amp;";
        else if (c == '<') cell += "&lt;";
        else if (c == '>') cell += "&gt;";
        else if (c == '|') cell += "&#124;";  // a backslash before it is shown by some readers
        else if (static_cast<unsigned char>(c) < 32 || c == 127) cell += "\xEF\xBF\xBD";
        else if (std::string_view("\\`*_{}[]()#+!~").find(c) != std::string_view::npos) cell += std::string("\\") + c;
        else cell += c;
    }
    return cell;
}

/// The table in Markdown: what TensorBoard shows as a table.
inline std::string markdown_table(completions_table const& table) {
    std::string text;
    auto const line = [&](std::vector<std::string> const& cells) {
        text += '|';
        for (auto const& cell : cells) text += ' ' + markdown_cell(cell) + " |";
        text += '\n';
    };
    line(table.headings);
    text += '|';
    for (std::size_t k = 0; k < table.headings.size(); ++k) text += "---|";
    text += '\n';
    for (auto const& row : table.rows) line(row);
    return text;
}

}  // namespace proximal::run
