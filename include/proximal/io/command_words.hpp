// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace proximal::io {

/// A command line's words, cut as a shell cuts them: blanks separate, '...' takes everything as it is, "..." all but
/// \" \\ \$ \` and a backslash before a line's end, and outside of quotes a backslash takes the next character.
///
/// Nothing else is done: no variable, pattern, pipe or comment is known, for no shell runs.
/// Source: POSIX.1-2017, Shell Command Language, 2.2 Quoting.
/// Throws std::invalid_argument where a quote is not closed or the last backslash takes nothing.
inline std::vector<std::string> command_words(std::string_view command) {
    auto const refuse = [&](std::string_view why, std::string_view remedy) {
        throw std::invalid_argument(fmt::format("the command {} {}; {}", command, why, remedy));
    };
    std::vector<std::string> words;
    bool inside = false;  // of a word: '' is a word too, though it adds no character
    for (std::size_t i = 0; i < command.size(); ++i) {
        char const c = command[i];
        if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
            inside = false;
            continue;
        }
        if (!inside) words.emplace_back();
        inside = true;
        std::string& word = words.back();
        if (c == '\'') {
            auto const end = command.find('\'', i + 1);
            if (end == command.npos) refuse("opens a ' that is not closed", "close it, or write \\' for the character");
            word += command.substr(i + 1, end - i - 1);
            i = end;
        } else if (c == '"') {
            for (++i; i < command.size() && command[i] != '"'; ++i) {
                bool const escapes = command[i] == '\\' && i + 1 < command.size() &&
                                     std::string_view("\"\\$`\n").find(command[i + 1]) != std::string_view::npos;
                if (escapes) ++i;
                if (!escapes || command[i] != '\n') word += command[i];
            }
            if (i == command.size())
                refuse("opens a \" that is not closed", "close it, or write \\\" for the character");
        } else if (c == '\\') {
            if (++i == command.size())
                refuse("ends with a backslash that takes nothing", "write \\\\ for the character");
            if (command[i] != '\n') word += command[i];
        } else {
            word += c;
        }
    }
    return words;
}

}  // namespace proximal::io
